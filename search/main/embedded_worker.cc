#include "search/main/embedded_worker.h"

#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "workers/runners.h"

namespace frostnas::search {

absl::StatusOr<std::unique_ptr<EmbeddedWorker>> EmbeddedWorker::Start(
    const std::string& controller, const v1::StudySpec& spec,
    const latency::DeviceOptions& devices, StopSource* study) {
  workers::RunnerOptions options;
  options.roles = {v1::TASK_KIND_ACCURACY};
  for (const std::string& device : spec.devices()) {
    if (!absl::StartsWith(device, "table:")) options.devices.push_back(device);
  }
  if (!options.devices.empty()) {
    options.roles.push_back(v1::TASK_KIND_PROFILE_OPS);
    options.roles.push_back(v1::TASK_KIND_LATENCY);
  }
  options.device_options = devices;
  ASSIGN_OR_RETURN(std::vector<workers::RunnerSet> sets,
                   workers::MakeRunners(options, study->token()));
  ASSIGN_OR_RETURN(auto workers, workers::WorkerGroup::Create(
                                     {.controller = controller}, "embedded",
                                     std::move(sets), RealClock()));
  return absl::WrapUnique(new EmbeddedWorker(std::move(workers), study));
}

EmbeddedWorker::EmbeddedWorker(std::unique_ptr<workers::WorkerGroup> workers,
                               StopSource* study)
    : workers_(std::move(workers)), thread_([this, study] {
        ended_ = workers_->Run(stop_.token());
        if (!ended_.ok()) study->RequestStop();
      }) {}

EmbeddedWorker::~EmbeddedWorker() {
  if (const absl::Status ended = Stop(); !ended.ok()) {
    LOG(ERROR) << "worker: " << ended.ToString();
  }
}

absl::Status EmbeddedWorker::Stop() {
  stop_.RequestStop();
  if (thread_.joinable()) thread_.join();
  return ended_;
}

}  // namespace frostnas::search
