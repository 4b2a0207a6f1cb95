#include "db/sqlite/statement.h"

#include <sqlite3.h>

#include <utility>

#include "base/status_macros.h"
#include "db/sqlite/error.h"

namespace frostnas::db::sqlite {

Statement::Statement(sqlite3_stmt* handle, const char* key,
                     StatementCache* idle)
    : handle_(handle), key_(key), idle_(idle) {}

Statement::~Statement() {
  if (handle_ == nullptr) return;
  if (idle_ == nullptr) {
    sqlite3_finalize(handle_);
    return;
  }
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
  (*idle_)[key_].push_back(handle_);
}

Statement::Statement(Statement&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)),
      key_(other.key_),
      idle_(other.idle_),
      bind_code_(other.bind_code_) {}

void Statement::Note(int code) {
  if (bind_code_ == SQLITE_OK) bind_code_ = code;
}

void Statement::Bind(int index, int64_t value) {
  Note(sqlite3_bind_int64(handle_, index, value));
}

void Statement::Bind(int index, double value) {
  Note(sqlite3_bind_double(handle_, index, value));
}

void Statement::Bind(int index, absl::string_view text) {
  // A null pointer would bind NULL, which an empty view may have.
  const char* data = text.data() == nullptr ? "" : text.data();
  Note(sqlite3_bind_text64(handle_, index, data, text.size(), SQLITE_TRANSIENT,
                           SQLITE_UTF8));
}

void Statement::Bind(int index, const Blob& blob) {
  const char* data = blob.bytes.data() == nullptr ? "" : blob.bytes.data();
  Note(sqlite3_bind_blob64(handle_, index, data, blob.bytes.size(),
                           SQLITE_TRANSIENT));
}

void Statement::Bind(int index, Null) {
  Note(sqlite3_bind_null(handle_, index));
}

absl::StatusOr<bool> Statement::Step() {
  sqlite3* const db = sqlite3_db_handle(handle_);
  if (bind_code_ != SQLITE_OK) {
    return ToStatus(bind_code_, db, sqlite3_sql(handle_));
  }
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return ToStatus(code, db, sqlite3_sql(handle_));
}

absl::Status Statement::Finish() {
  while (true) {
    ASSIGN_OR_RETURN(const bool row, Step());
    if (!row) return absl::OkStatus();
  }
}

int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(handle_, column);
}

double Statement::Real(int column) const {
  return sqlite3_column_double(handle_, column);
}

absl::string_view Statement::Text(int column) const {
  // The text must be asked for before its length.
  const auto* text =
      reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  if (text == nullptr) return "";
  return {text, static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
}

absl::string_view Statement::Bytes(int column) const {
  const auto* data =
      static_cast<const char*>(sqlite3_column_blob(handle_, column));
  if (data == nullptr) return "";
  return {data, static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

}  // namespace frostnas::db::sqlite
