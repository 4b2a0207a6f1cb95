#include "db/sqlite/group_writer.h"

#include <utility>

#include "base/status_macros.h"
#include "db/sqlite/transaction.h"

namespace frostnas::db::sqlite {

GroupWriter::GroupWriter(std::unique_ptr<Database> database)
    : database_(std::move(database)), thread_([this] { Loop(); }) {}

GroupWriter::~GroupWriter() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

absl::Status GroupWriter::Write(Body body) {
  Request request{body, absl::OkStatus()};
  absl::MutexLock lock(&mutex_);
  queue_.push_back(&request);
  mutex_.Await(absl::Condition(&request.done));
  return request.status;
}

int GroupWriter::waiting() {
  absl::MutexLock lock(&mutex_);
  return static_cast<int>(queue_.size());
}

int64_t GroupWriter::transactions() {
  absl::MutexLock lock(&mutex_);
  return transactions_;
}

void GroupWriter::Loop() {
  while (true) {
    const std::vector<Request*> batch = NextBatch();
    if (batch.empty()) return;
    RunBatch(batch);
  }
}

std::vector<GroupWriter::Request*> GroupWriter::NextBatch() {
  const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !queue_.empty();
  };
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&ready));
  return std::exchange(queue_, {});
}

void GroupWriter::RunBatch(const std::vector<Request*>& batch) {
  const absl::Status committed = RunTransaction(batch);
  absl::MutexLock lock(&mutex_);
  ++transactions_;
  for (Request* request : batch) {
    if (request->status.ok()) request->status = committed;
    request->done = true;
  }
}

absl::Status GroupWriter::RunTransaction(const std::vector<Request*>& batch) {
  ASSIGN_OR_RETURN(
      Transaction transaction,
      Transaction::Begin(database_.get(), TransactionKind::kWrite));
  for (Request* request : batch) {
    request->status = WithSavepoint(database_.get(),
                                    [&] { return request->body(*database_); });
    // A full or failing disk makes SQLite roll the whole transaction back.
    if (!database_->in_transaction()) return request->status;
  }
  return transaction.Commit();
}

}  // namespace frostnas::db::sqlite
