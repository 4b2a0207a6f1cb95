// SQLite result codes as Status.
#ifndef FROSTNAS_DB_SQLITE_ERROR_H_
#define FROSTNAS_DB_SQLITE_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

struct sqlite3;

namespace frostnas::db::sqlite {

// The error `code` of a call on `handle` (may be null) as a Status that names
// the database file and what was being done. `code` is not SQLITE_OK.
absl::Status ToStatus(int code, sqlite3* handle, absl::string_view doing);

}  // namespace frostnas::db::sqlite

#endif  // FROSTNAS_DB_SQLITE_ERROR_H_
