// The worker inside a controller that runs one study: the same worker as
// //workers:worker, on a thread, over a real connection.
#ifndef FROSTNAS_SEARCH_MAIN_EMBEDDED_WORKER_H_
#define FROSTNAS_SEARCH_MAIN_EMBEDDED_WORKER_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/stop.h"
#include "latency/open_device.h"
#include "proto/frostnas/v1/study.pb.h"
#include "workers/worker_group.h"

namespace frostnas::search {

class EmbeddedWorker {
 public:
  // A worker for the study's measured devices. Requests a stop of `study` when
  // the worker ends by itself: nobody else would do the study's tasks. Codes: a
  // device that cannot be used, naming it.
  static absl::StatusOr<std::unique_ptr<EmbeddedWorker>> Start(
      const std::string& controller, const v1::StudySpec& spec,
      const latency::DeviceOptions& devices, StopSource* study);
  // Stops as Stop does.
  ~EmbeddedWorker();

  // Ends the work under way and waits for it. Idempotent. Returns why the
  // worker had ended by itself, else OK.
  absl::Status Stop();

 private:
  EmbeddedWorker(std::unique_ptr<workers::WorkerGroup> workers,
                 StopSource* study);

  std::unique_ptr<workers::WorkerGroup> workers_;
  StopSource stop_;
  absl::Status ended_;  // written by thread_, read after it was joined
  std::thread thread_;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_MAIN_EMBEDDED_WORKER_H_
