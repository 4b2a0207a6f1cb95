#include "workers/runners.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "latency/open_device.h"
#include "workers/tasks/accuracy.h"
#include "workers/tasks/latency.h"

namespace frostnas::workers {
namespace {

absl::StatusOr<std::unique_ptr<TaskRunner>> MakeRunner(
    v1::TaskKind role, const RunnerOptions& options,
    const std::shared_ptr<Devices>& devices) {
  switch (role) {
    case v1::TASK_KIND_ACCURACY:
      return std::make_unique<AccuracyRunner>(options.data_dir);
    case v1::TASK_KIND_LATENCY:
      return std::make_unique<LatencyRunner>(devices);
    case v1::TASK_KIND_PROFILE_OPS:
      return std::make_unique<ProfileOpsRunner>(devices);
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("--roles: ", v1::TaskKind_Name(role),
                       " is not a role of this worker"));
  }
}

}  // namespace

absl::StatusOr<RunnerSet> MakeRunners(const RunnerOptions& options) {
  RunnerSet set;
  auto devices = std::make_shared<Devices>();
  for (const std::string& id : options.devices) {
    ASSIGN_OR_RETURN(auto device, latency::OpenDevice(id, RealClock()));
    set.devices.push_back(device->Describe());
    devices->emplace(id, std::move(device));
  }
  for (const v1::TaskKind role : options.roles) {
    if (role != v1::TASK_KIND_ACCURACY && devices->empty()) {
      return absl::InvalidArgumentError(
          "--device: needed by the roles latency and profile");
    }
    ASSIGN_OR_RETURN(set.runners[role], MakeRunner(role, options, devices));
  }
  return set;
}

}  // namespace frostnas::workers
