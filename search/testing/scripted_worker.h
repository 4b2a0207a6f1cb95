// A worker whose results are arithmetic: it leases from a Store, answers at
// once and completes, on a thread of its own.
//
// Accuracy depends on the weights a trial starts from, its epochs and seed, and
// so does the digest of the weights it leaves: a trial trained twice, or from
// other weights, ends with other numbers.
#ifndef FROSTNAS_SEARCH_TESTING_SCRIPTED_WORKER_H_
#define FROSTNAS_SEARCH_TESTING_SCRIPTED_WORKER_H_

#include <functional>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "base/stop.h"
#include "db/blob_store.h"
#include "db/store.h"
#include "proto/frostnas/v1/task.pb.h"

namespace frostnas::search {

// Blobs, wherever they are.
struct BlobAccess {
  std::function<absl::StatusOr<std::string>(const std::string& sha256)> get;
  std::function<absl::StatusOr<std::string>(const std::string& bytes)> put;
};

// A function of the task and the blobs it names.
absl::StatusOr<v1::TaskResult> ArithmeticResult(const v1::Task& task,
                                                const BlobAccess& blobs);
absl::StatusOr<v1::TaskResult> ArithmeticResult(const v1::Task& task,
                                                db::BlobStore& blobs);

class ScriptedWorker {
 public:
  // What a task gives. USER_ERROR: INVALID_ARGUMENT; INFRA_ERROR: others.
  using Script =
      std::function<absl::StatusOr<v1::TaskResult>(const v1::Task& task)>;

  // Signs in as `id` with the devices "host" and "adb:1" and works until
  // destroyed or until the store dies. `store` must outlive it.
  ScriptedWorker(db::Store* store, const std::string& id, Script script);
  ~ScriptedWorker();

 private:
  void Work(const std::string& session);
  void Complete(const std::string& session, const v1::Lease& lease);

  db::Store& store_;
  const Script script_;
  StopSource stop_;
  std::thread thread_;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_TESTING_SCRIPTED_WORKER_H_
