// BEGIN that ends in ROLLBACK unless it was committed.
//
// Thread-compatible; must not outlive its database. Transactions of one
// database do not nest; savepoints inside one do.
#ifndef FROSTNAS_DB_SQLITE_TRANSACTION_H_
#define FROSTNAS_DB_SQLITE_TRANSACTION_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "db/sqlite/database.h"

namespace frostnas::db::sqlite {

enum class TransactionKind {
  kRead,   // one snapshot for all reads in it
  kWrite,  // takes the write lock at once
};

class Transaction {
 public:
  // UNAVAILABLE: another process holds the lock.
  static absl::StatusOr<Transaction> Begin(Database* database,
                                           TransactionKind kind);
  ~Transaction();
  Transaction(Transaction&& other) noexcept;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // Durable when it returns OK; rolled back otherwise. Call once.
  absl::Status Commit();

 private:
  explicit Transaction(Database* database) : database_(database) {}

  Database* database_;  // null once committed
};

// Runs `body` so that its writes are undone when it returns an error, while
// those of the surrounding transaction stay.
absl::Status WithSavepoint(Database* database,
                           absl::FunctionRef<absl::Status()> body);

}  // namespace frostnas::db::sqlite

#endif  // FROSTNAS_DB_SQLITE_TRANSACTION_H_
