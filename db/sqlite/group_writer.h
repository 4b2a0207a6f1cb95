// One thread that writes for all, with one commit for all who wait.
//
// While a commit is on its way to the disk new requests queue up; they form
// the next transaction. Each request runs in a savepoint, so one that fails
// takes nothing with it. A request is answered only after the commit that holds
// it.
//
// Thread-safe.
#ifndef FROSTNAS_DB_SQLITE_GROUP_WRITER_H_
#define FROSTNAS_DB_SQLITE_GROUP_WRITER_H_

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "db/sqlite/database.h"

namespace frostnas::db::sqlite {

class GroupWriter {
 public:
  using Body = absl::FunctionRef<absl::Status(Database&)>;

  explicit GroupWriter(std::unique_ptr<Database> database);
  // Finishes what waits; no new Write may start.
  ~GroupWriter();

  // Runs `body` on the writer's thread inside a transaction and waits until
  // that is durable. The status of `body` when it is an error (its writes are
  // undone), else that of the commit. `body` must not call Write.
  absl::Status Write(Body body);

  // Requests in the queue, not yet begun.
  int waiting();
  // Transactions so far, committed or not; a measure of how well commits are
  // shared.
  int64_t transactions();

 private:
  struct Request {
    Body body;
    absl::Status status;
    bool done = false;
  };

  void Loop();
  std::vector<Request*> NextBatch();
  void RunBatch(const std::vector<Request*>& batch);
  absl::Status RunTransaction(const std::vector<Request*>& batch);

  const std::unique_ptr<Database> database_;
  absl::Mutex mutex_;
  std::vector<Request*> queue_ ABSL_GUARDED_BY(mutex_);
  int64_t transactions_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: uses all of the above
};

}  // namespace frostnas::db::sqlite

#endif  // FROSTNAS_DB_SQLITE_GROUP_WRITER_H_
