// Start here: the store's rows by noun, one file each. Functions run inside a
// transaction of their caller (db/sqlite_store.cc); an error undoes all of it.
//
// `study` is a row's seq, not the printed id. Errors are SQLite's
// (db/sqlite/database.h) and those named; DATA_LOSS: a record does not parse.
// Thread-compatible, as a Database is.
#ifndef FROSTNAS_DB_TABLES_CONTEXT_H_
#define FROSTNAS_DB_TABLES_CONTEXT_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "db/sqlite/database.h"

namespace frostnas::db {

// One write: where it goes, when it happens, whom to wake once it is durable.
struct WriteContext {
  sqlite::Database& db;
  const int64_t now_ns;
  bool tasks_changed = false;
  bool events_changed = false;
};

// The message a record column holds.
template <typename Message>
absl::StatusOr<Message> ParseRecord(absl::string_view bytes) {
  Message message;
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return message;
  }
  return absl::DataLossError(
      absl::StrCat("database: a stored ", message.GetTypeName(),
                   " cannot be read; restore the file from a copy"));
}

// Calls `visit` with each row of `rows` until it gives an error.
template <typename Visit>
absl::Status ForEachRow(sqlite::Statement& rows, Visit visit) {
  while (true) {
    ASSIGN_OR_RETURN(const bool row, rows.Step());
    if (!row) return absl::OkStatus();
    RETURN_IF_ERROR(visit());
  }
}

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_TABLES_CONTEXT_H_
