// The workers of one process, each on a thread: what a controller sees are
// separate workers whose names begin alike.
//
// Thread-compatible; Run returns within two seconds of a stop.
#ifndef FROSTNAS_WORKERS_WORKER_GROUP_H_
#define FROSTNAS_WORKERS_WORKER_GROUP_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/stop.h"
#include "workers/lease_client.h"
#include "workers/runners.h"
#include "workers/worker.h"

namespace frostnas::workers {

class WorkerGroup {
 public:
  // At least one set. `worker_id` as WorkerOptions'; a set with a name adds it.
  // INVALID_ARGUMENT as Worker::Create.
  static absl::StatusOr<std::unique_ptr<WorkerGroup>> Create(
      const LeaseClientOptions& client, const std::string& worker_id,
      std::vector<RunnerSet> sets, Clock& clock);

  // Runs all until a stop is requested (OK) or one is refused, which stops the
  // others (its status). Call once.
  absl::Status Run(const StopToken& stop);

 private:
  WorkerGroup() = default;

  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace frostnas::workers

#endif  // FROSTNAS_WORKERS_WORKER_GROUP_H_
