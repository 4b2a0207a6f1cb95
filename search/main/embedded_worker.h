// The worker inside a controller that runs one study: the same worker as
// //workers:worker, on a thread, over a real connection.
#ifndef FROSTNAS_SEARCH_MAIN_EMBEDDED_WORKER_H_
#define FROSTNAS_SEARCH_MAIN_EMBEDDED_WORKER_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "base/stop.h"
#include "proto/frostnas/v1/study.pb.h"
#include "workers/worker.h"

namespace frostnas::search {

class EmbeddedWorker {
 public:
  // A worker for the study's measured devices. Codes: a device that cannot be
  // used, naming it.
  static absl::StatusOr<std::unique_ptr<EmbeddedWorker>> Start(
      const std::string& controller, const v1::StudySpec& spec);
  // Stops as Stop does.
  ~EmbeddedWorker();

  // Ends the work under way. Idempotent.
  void Stop();

 private:
  explicit EmbeddedWorker(std::unique_ptr<workers::Worker> worker);

  std::unique_ptr<workers::Worker> worker_;
  StopSource stop_;
  std::thread thread_;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_MAIN_EMBEDDED_WORKER_H_
