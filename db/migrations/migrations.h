// The versions of the database file and the ways between them.
//
// Version n is what migrations 1..n leave behind; 0 is an empty file. A file
// says its version in the table schema_version and that it is ours in SQLite's
// application id. Scripts are NNNN_name.{up,down,check}.sql beside this file;
// schema.sql is the newest version as SQLite prints it.
//
// Thread-compatible, as a Database is.
#ifndef FROSTNAS_DB_MIGRATIONS_MIGRATIONS_H_
#define FROSTNAS_DB_MIGRATIONS_MIGRATIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "db/sqlite/database.h"

namespace frostnas::db {

struct Migration {
  std::string name;  // "0001_initial"
  std::string up;
  std::string down;
  // Queries that give 1 when the version is in place.
  std::string check;
};

// All of them; the first leads to version 1.
const std::vector<Migration>& Migrations();

// The newest version.
int CurrentVersion();

// The version of a file; 0 when it is empty. INVALID_ARGUMENT: the file is
// another program's, or not a database.
absl::StatusOr<int> ReadVersion(sqlite::Database* database);

// Walks the file to `version` (0..CurrentVersion()), a transaction a step, each
// checked before it is committed. FAILED_PRECONDITION: the file is newer than
// this build. DATA_LOSS: a check fails. The file stays at the last good version
// then.
absl::Status MigrateTo(sqlite::Database* database, int version);

// Asks the checks of versions 1..`version`. DATA_LOSS names the first that
// fails.
absl::Status CheckVersion(sqlite::Database* database, int version);

// The tables and indices as SQLite has them, sorted by name; what schema.sql
// holds.
absl::StatusOr<std::string> DumpSchema(sqlite::Database* database);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_MIGRATIONS_MIGRATIONS_H_
