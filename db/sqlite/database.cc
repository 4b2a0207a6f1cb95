#include "db/sqlite/database.h"

#include <sqlite3.h>

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "db/sqlite/error.h"

namespace frostnas::db::sqlite {
namespace {

// Defends against hostile files: no functions or tables of unknown effect from
// a schema, and pages are checked as they are read.
constexpr char kSafety[] =
    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;";
constexpr char kDurability[] =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
    "PRAGMA foreign_keys = ON;";

}  // namespace

Database::Database(std::string path, sqlite3* handle)
    : path_(std::move(path)), handle_(handle) {}

Database::~Database() {
  for (auto& [sql, handles] : idle_) {
    for (sqlite3_stmt* handle : handles) sqlite3_finalize(handle);
  }
  sqlite3_close_v2(handle_);
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(
    const std::string& path, OpenMode mode, absl::Duration patience) {
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (mode == OpenMode::kReadOnly
                         ? SQLITE_OPEN_READONLY
                         : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  auto database = absl::WrapUnique(new Database(path, handle));
  if (code != SQLITE_OK) {
    return ToStatus(code, handle, absl::StrCat("opening ", path));
  }
  RETURN_IF_ERROR(database->Configure(mode, patience));
  return database;
}

absl::Status Database::Configure(OpenMode mode, absl::Duration patience) {
  sqlite3_busy_timeout(handle_,
                       static_cast<int>(absl::ToInt64Milliseconds(patience)));
  RETURN_IF_ERROR(Execute(kSafety));
  return mode == OpenMode::kReadOnly ? absl::OkStatus() : Execute(kDurability);
}

absl::Status Database::Execute(const std::string& script) {
  const int code =
      sqlite3_exec(handle_, script.c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return absl::OkStatus();
  return ToStatus(code, handle_, "running a script");
}

absl::StatusOr<Statement> Database::Prepare(const char* sql) {
  std::vector<sqlite3_stmt*>& idle = idle_[sql];
  if (!idle.empty()) {
    sqlite3_stmt* const handle = idle.back();
    idle.pop_back();
    return Statement(handle, sql, &idle_);
  }
  ASSIGN_OR_RETURN(sqlite3_stmt* const handle, Compile(sql, /*keep=*/true));
  return Statement(handle, sql, &idle_);
}

absl::StatusOr<Statement> Database::PrepareOnce(absl::string_view sql) {
  ASSIGN_OR_RETURN(sqlite3_stmt* const handle, Compile(sql, /*keep=*/false));
  return Statement(handle, nullptr, nullptr);
}

absl::StatusOr<sqlite3_stmt*> Database::Compile(absl::string_view sql,
                                                bool keep) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v3(
      handle_, sql.data(), static_cast<int>(sql.size()),
      keep ? SQLITE_PREPARE_PERSISTENT : 0, &handle, nullptr);
  if (code == SQLITE_OK) return handle;
  return ToStatus(code, handle_, sql);
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

int64_t Database::changes() const { return sqlite3_changes64(handle_); }

int64_t Database::last_insert_id() const {
  return sqlite3_last_insert_rowid(handle_);
}

}  // namespace frostnas::db::sqlite
