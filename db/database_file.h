// A look at a file before anything is made beside it.
#ifndef FROSTNAS_DB_DATABASE_FILE_H_
#define FROSTNAS_DB_DATABASE_FILE_H_

#include <string>

#include "absl/status/status.h"

namespace frostnas::db {

// OK when `path` is missing, empty, or begins as SQLite files do.
// INVALID_ARGUMENT: it holds something else or is a folder. PERMISSION_DENIED,
// UNAVAILABLE: it cannot be read. All name the file.
absl::Status CheckDatabaseFile(const std::string& path);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_DATABASE_FILE_H_
