// What a worker process of this build can do: for each worker in it, a runner
// for each role, and the devices it measures.
//
// Phones have a worker each, since they measure beside each other; everything
// that computes on this machine is one worker's, which does one thing at a time
// because training beside a measurement would disturb it.
#ifndef FROSTNAS_WORKERS_RUNNERS_H_
#define FROSTNAS_WORKERS_RUNNERS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/stop.h"
#include "latency/open_device.h"
#include "proto/frostnas/v1/measurement.pb.h"
#include "proto/frostnas/v1/task.pb.h"
#include "workers/worker.h"

namespace frostnas::workers {

struct RunnerOptions {
  std::vector<v1::TaskKind> roles;
  // "host", ...; needed by the roles LATENCY and PROFILE_OPS.
  std::vector<std::string> devices;
  latency::DeviceOptions device_options;
  // Replaces the data_dir of tasks where it is not empty.
  std::string data_dir;
};

// One worker's.
struct RunnerSet {
  // Distinguishes it in the process: "" or a phone's serial.
  std::string name;
  Runners runners;
  std::vector<v1::Device> devices;
  std::function<absl::Status()> ready;  // WorkerOptions'
};

// Opens the devices. INVALID_ARGUMENT: a role or device that this build does
// not have, or a latency role without a device; else a device's error.
absl::StatusOr<std::vector<RunnerSet>> MakeRunners(const RunnerOptions& options,
                                                   const StopToken& stop);

}  // namespace frostnas::workers

#endif  // FROSTNAS_WORKERS_RUNNERS_H_
