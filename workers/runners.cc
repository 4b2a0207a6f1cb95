#include "workers/runners.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "latency/device.h"
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

// Those of `options.roles` that this worker has work for.
absl::Status AddRunners(const RunnerOptions& options, bool measures,
                        bool trains, const std::shared_ptr<Devices>& devices,
                        RunnerSet& set) {
  for (const v1::TaskKind role : options.roles) {
    const bool wanted =
        role == v1::TASK_KIND_LATENCY || role == v1::TASK_KIND_PROFILE_OPS
            ? measures
            : trains;
    if (!wanted) continue;
    ASSIGN_OR_RETURN(set.runners[role], MakeRunner(role, options, devices));
  }
  return absl::OkStatus();
}

absl::StatusOr<RunnerSet> PhoneSet(const RunnerOptions& options,
                                   const std::string& id,
                                   const std::string& serial,
                                   const StopToken& stop) {
  RunnerSet set;
  set.name = serial;
  auto devices = std::make_shared<Devices>();
  ASSIGN_OR_RETURN(auto opened, latency::OpenDevice(id, options.device_options,
                                                    RealClock(), stop));
  set.devices.push_back(opened->Describe());
  set.ready = [device = opened.get(), devices] { return device->Ready(); };
  devices->emplace(id, std::move(opened));
  RETURN_IF_ERROR(
      AddRunners(options, /*measures=*/true, /*trains=*/false, devices, set));
  return set;
}

}  // namespace

absl::StatusOr<std::vector<RunnerSet>> MakeRunners(const RunnerOptions& options,
                                                   const StopToken& stop) {
  std::vector<RunnerSet> sets;
  RunnerSet own;
  auto devices = std::make_shared<Devices>();
  for (const std::string& id : options.devices) {
    ASSIGN_OR_RETURN(const latency::DeviceId parsed,
                     latency::ParseDeviceId(id));
    if (parsed.kind == latency::DeviceKind::kAdb) {
      ASSIGN_OR_RETURN(RunnerSet phone,
                       PhoneSet(options, id, parsed.argument, stop));
      sets.push_back(std::move(phone));
      continue;
    }
    ASSIGN_OR_RETURN(
        auto device,
        latency::OpenDevice(id, options.device_options, RealClock(), stop));
    own.devices.push_back(device->Describe());
    devices->emplace(id, std::move(device));
  }
  for (const v1::TaskKind role : options.roles) {
    if (role != v1::TASK_KIND_ACCURACY && options.devices.empty()) {
      return absl::InvalidArgumentError(
          "--device: needed by the roles latency and profile");
    }
  }
  RETURN_IF_ERROR(AddRunners(options, /*measures=*/!devices->empty(),
                             /*trains=*/true, devices, own));
  if (!own.runners.empty()) sets.push_back(std::move(own));
  return sets;
}

}  // namespace frostnas::workers
