// One compiled SQL statement with its bound values.
//
// Thread-compatible; used through Database (db/sqlite/database.h), which it
// must not outlive.
#ifndef FROSTNAS_DB_SQLITE_STATEMENT_H_
#define FROSTNAS_DB_SQLITE_STATEMENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct sqlite3_stmt;

namespace frostnas::db::sqlite {

// Compiled statements waiting to be used again.
using StatementCache =
    absl::flat_hash_map<const char*, std::vector<sqlite3_stmt*>>;

// Marks bytes to be bound as a BLOB rather than TEXT.
struct Blob {
  explicit Blob(absl::string_view b) : bytes(b) {}
  absl::string_view bytes;
};

// A NULL.
struct Null {};

class Statement {
 public:
  // Takes `handle`; gives it back to `idle` under `key`, or finalizes it when
  // `idle` is null.
  Statement(sqlite3_stmt* handle, const char* key, StatementCache* idle);
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Binds a value to ?index (from 1). Bytes are copied. An error is kept and
  // given by the next Step.
  void Bind(int index, int64_t value);
  void Bind(int index, int value) { Bind(index, int64_t{value}); }
  void Bind(int index, double value);
  void Bind(int index, absl::string_view text);
  void Bind(int index, const Blob& blob);
  void Bind(int index, Null);

  // Moves to the next row; false: there is none.
  absl::StatusOr<bool> Step();
  // Runs to the end, whatever rows come.
  absl::Status Finish();

  // Columns of the current row, from 0. Views are valid until the next Step.
  int64_t Int(int column) const;
  double Real(int column) const;
  absl::string_view Text(int column) const;
  absl::string_view Bytes(int column) const;
  bool IsNull(int column) const;

 private:
  void Note(int code);

  sqlite3_stmt* handle_;
  const char* key_;
  StatementCache* idle_;
  int bind_code_ = 0;
};

}  // namespace frostnas::db::sqlite

#endif  // FROSTNAS_DB_SQLITE_STATEMENT_H_
