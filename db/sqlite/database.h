// Start here: the SQLite C API with owners for its objects and Status for its
// errors. The only folder that sees <sqlite3.h>.
//
//   ASSIGN_OR_RETURN(auto db, Database::Open(path, OpenMode::kReadWrite));
//   RETURN_IF_ERROR(db->Run("INSERT INTO t(a, b) VALUES (?, ?)", 1, "x"));
//   ASSIGN_OR_RETURN(Statement rows, db->Query("SELECT b FROM t WHERE a = ?",
//                                              1));
//   while (true) {
//     ASSIGN_OR_RETURN(const bool row, rows.Step());
//     if (!row) break;
//     Use(rows.Text(0));
//   }
//
// Codes: UNAVAILABLE: locked by another, disk full or failing.
// INVALID_ARGUMENT: not a database file. DATA_LOSS: damaged.
// PERMISSION_DENIED, NOT_FOUND: the file cannot be opened. RESOURCE_EXHAUSTED:
// a value too large. INTERNAL: anything else. All name the file.
//
// Thread-compatible: a Database and its Statements belong to one thread at a
// time. Statements must not outlive their Database.
#ifndef FROSTNAS_DB_SQLITE_DATABASE_H_
#define FROSTNAS_DB_SQLITE_DATABASE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "db/sqlite/statement.h"

struct sqlite3;

namespace frostnas::db::sqlite {

enum class OpenMode {
  kReadWrite,  // created when missing
  kReadOnly,
};

class Database {
 public:
  // WAL, synchronous=FULL, foreign keys enforced. A lock that another process
  // holds is waited for as long as `patience`.
  static absl::StatusOr<std::unique_ptr<Database>> Open(
      const std::string& path, OpenMode mode,
      absl::Duration patience = absl::Seconds(5));
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::string& path() const { return path_; }

  // Runs a script of statements without parameters.
  absl::Status Execute(const std::string& script);

  // Compiles a statement. `sql` must be a literal: compiled statements are kept
  // by its address and used again.
  absl::StatusOr<Statement> Prepare(const char* sql);

  // Compiles any text, for one use.
  absl::StatusOr<Statement> PrepareOnce(absl::string_view sql);

  // Compiles, binds ?1, ?2, ... in order and runs to the end.
  template <typename... Values>
  absl::Status Run(const char* sql, const Values&... values) {
    ASSIGN_OR_RETURN(Statement statement, Query(sql, values...));
    return statement.Finish();
  }

  // Compiles and binds; the caller steps.
  template <typename... Values>
  absl::StatusOr<Statement> Query(const char* sql, const Values&... values) {
    ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
    int index = 0;
    (statement.Bind(++index, values), ...);
    return statement;
  }

  // The first column of the first row; `absent` when there is no row.
  template <typename... Values>
  absl::StatusOr<int64_t> QueryInt(int64_t absent, const char* sql,
                                   const Values&... values) {
    ASSIGN_OR_RETURN(Statement statement, Query(sql, values...));
    ASSIGN_OR_RETURN(const bool row, statement.Step());
    return row ? statement.Int(0) : absent;
  }

  // Whether a transaction is open.
  bool in_transaction() const;
  // Rows changed by the last statement that ran.
  int64_t changes() const;
  // Row id of the last insert.
  int64_t last_insert_id() const;

 private:
  Database(std::string path, sqlite3* handle);
  absl::Status Configure(OpenMode mode, absl::Duration patience);
  absl::StatusOr<sqlite3_stmt*> Compile(absl::string_view sql, bool keep);

  const std::string path_;
  sqlite3* const handle_;
  // Idle compiled statements by the address of their text.
  StatementCache idle_;
};

}  // namespace frostnas::db::sqlite

#endif  // FROSTNAS_DB_SQLITE_DATABASE_H_
