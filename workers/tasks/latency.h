// LATENCY and PROFILE_OPS: measure a package, or operators, on a device.
#ifndef FROSTNAS_WORKERS_TASKS_LATENCY_H_
#define FROSTNAS_WORKERS_TASKS_LATENCY_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "latency/device.h"
#include "workers/task_runner.h"

namespace frostnas::workers {

// By device id; shared by both runners, which run one at a time.
using Devices = std::map<std::string, std::unique_ptr<latency::LatencyDevice>>;

class LatencyRunner : public TaskRunner {
 public:
  explicit LatencyRunner(std::shared_ptr<Devices> devices)
      : devices_(std::move(devices)) {}

  absl::StatusOr<v1::TaskResult> Run(const v1::Task& task,
                                     TaskContext& context) override;

 private:
  std::shared_ptr<Devices> devices_;
};

class ProfileOpsRunner : public TaskRunner {
 public:
  explicit ProfileOpsRunner(std::shared_ptr<Devices> devices)
      : devices_(std::move(devices)) {}

  absl::StatusOr<v1::TaskResult> Run(const v1::Task& task,
                                     TaskContext& context) override;

 private:
  std::shared_ptr<Devices> devices_;
};

}  // namespace frostnas::workers

#endif  // FROSTNAS_WORKERS_TASKS_LATENCY_H_
