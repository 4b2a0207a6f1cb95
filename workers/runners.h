// What a worker of this build can do: a runner for each role, and the devices
// it measures.
#ifndef FROSTNAS_WORKERS_RUNNERS_H_
#define FROSTNAS_WORKERS_RUNNERS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/frostnas/v1/measurement.pb.h"
#include "proto/frostnas/v1/task.pb.h"
#include "workers/worker.h"

namespace frostnas::workers {

struct RunnerOptions {
  std::vector<v1::TaskKind> roles;
  // "host", ...; needed by the roles LATENCY and PROFILE_OPS.
  std::vector<std::string> devices;
  // Replaces the data_dir of tasks where it is not empty.
  std::string data_dir;
};

struct RunnerSet {
  Runners runners;
  std::vector<v1::Device> devices;
};

// INVALID_ARGUMENT: a role or device that this build does not have, or a
// latency role without a device.
absl::StatusOr<RunnerSet> MakeRunners(const RunnerOptions& options);

}  // namespace frostnas::workers

#endif  // FROSTNAS_WORKERS_RUNNERS_H_
