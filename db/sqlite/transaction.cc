#include "db/sqlite/transaction.h"

#include <utility>

#include "base/status_macros.h"

namespace frostnas::db::sqlite {

absl::StatusOr<Transaction> Transaction::Begin(Database* database,
                                               TransactionKind kind) {
  RETURN_IF_ERROR(database->Run(
      kind == TransactionKind::kRead ? "BEGIN DEFERRED" : "BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  // After a failed write SQLite may have rolled back by itself; a ROLLBACK
  // that finds nothing to do is harmless.
  if (database_ != nullptr) database_->Run("ROLLBACK").IgnoreError();
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

absl::Status Transaction::Commit() {
  RETURN_IF_ERROR(database_->Run("COMMIT"));
  database_ = nullptr;
  return absl::OkStatus();
}

absl::Status WithSavepoint(Database* database,
                           absl::FunctionRef<absl::Status()> body) {
  RETURN_IF_ERROR(database->Run("SAVEPOINT request"));
  if (absl::Status status = body(); !status.ok()) {
    RETURN_IF_ERROR(database->Run("ROLLBACK TO request"));
    RETURN_IF_ERROR(database->Run("RELEASE request"));
    return status;
  }
  return database->Run("RELEASE request");
}

}  // namespace frostnas::db::sqlite
