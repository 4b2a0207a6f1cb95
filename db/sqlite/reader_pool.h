// Read-only connections to one file, opened as they are needed.
//
// Each read sees one snapshot: the last commit before it began.
// Thread-safe.
#ifndef FROSTNAS_DB_SQLITE_READER_POOL_H_
#define FROSTNAS_DB_SQLITE_READER_POOL_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "db/sqlite/database.h"

namespace frostnas::db::sqlite {

class ReaderPool {
 public:
  // At most `limit` connections; further readers wait for one.
  ReaderPool(std::string path, int limit)
      : path_(std::move(path)), free_slots_(limit) {}

  // Runs `body` in a read transaction. `body` must not call Read.
  absl::Status Read(absl::FunctionRef<absl::Status(Database&)> body);

 private:
  absl::StatusOr<std::unique_ptr<Database>> Take();
  void GiveBack(std::unique_ptr<Database> database);

  const std::string path_;
  absl::Mutex mutex_;
  int free_slots_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Database>> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace frostnas::db::sqlite

#endif  // FROSTNAS_DB_SQLITE_READER_POOL_H_
