#include "db/sqlite/error.h"

#include <sqlite3.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace frostnas::db::sqlite {
namespace {

absl::StatusCode Meaning(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
      return absl::StatusCode::kUnavailable;
    case SQLITE_NOTADB:
      return absl::StatusCode::kInvalidArgument;
    case SQLITE_CORRUPT:
    case SQLITE_FORMAT:
      return absl::StatusCode::kDataLoss;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return absl::StatusCode::kPermissionDenied;
    case SQLITE_CANTOPEN:
      return absl::StatusCode::kNotFound;
    case SQLITE_TOOBIG:
      return absl::StatusCode::kResourceExhausted;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::string_view Remedy(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "; another program holds the file, try again";
    case SQLITE_FULL:
      return "; make room on the disk and try again";
    case SQLITE_NOTADB:
      return "; name a frostnas database or a file that does not exist yet";
    case SQLITE_CORRUPT:
      return "; restore the file from a copy";
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return "; make the file and its folder writable";
    default:
      return "";
  }
}

}  // namespace

absl::Status ToStatus(int code, sqlite3* handle, absl::string_view doing) {
  const char* file = nullptr;
  const char* detail = sqlite3_errstr(code);
  if (handle != nullptr) {
    file = sqlite3_db_filename(handle, nullptr);
    detail = sqlite3_errmsg(handle);
  }
  return absl::Status(
      Meaning(code),
      absl::StrCat("database ", file == nullptr ? "" : file, ": ", detail, " (",
                   doing, ")", Remedy(code)));
}

}  // namespace frostnas::db::sqlite
