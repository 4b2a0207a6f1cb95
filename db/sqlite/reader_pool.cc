#include "db/sqlite/reader_pool.h"

#include "base/status_macros.h"
#include "db/sqlite/transaction.h"

namespace frostnas::db::sqlite {
namespace {

absl::Status ReadSnapshot(Database& database,
                          absl::FunctionRef<absl::Status(Database&)> body) {
  ASSIGN_OR_RETURN(Transaction transaction,
                   Transaction::Begin(&database, TransactionKind::kRead));
  RETURN_IF_ERROR(body(database));
  return transaction.Commit();
}

}  // namespace

absl::Status ReaderPool::Read(absl::FunctionRef<absl::Status(Database&)> body) {
  absl::StatusOr<std::unique_ptr<Database>> database = Take();
  if (!database.ok()) {
    GiveBack(nullptr);
    return database.status();
  }
  absl::Status status = ReadSnapshot(**database, body);
  GiveBack(*std::move(database));
  return status;
}

absl::StatusOr<std::unique_ptr<Database>> ReaderPool::Take() {
  {
    const auto free = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return free_slots_ > 0;
    };
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&free));
    --free_slots_;
    if (!idle_.empty()) {
      std::unique_ptr<Database> database = std::move(idle_.back());
      idle_.pop_back();
      return database;
    }
  }
  return Database::Open(path_, OpenMode::kReadOnly);
}

void ReaderPool::GiveBack(std::unique_ptr<Database> database) {
  absl::MutexLock lock(&mutex_);
  ++free_slots_;
  if (database != nullptr) idle_.push_back(std::move(database));
}

}  // namespace frostnas::db::sqlite
