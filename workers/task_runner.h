// How a worker does one kind of task. Runners live in workers/tasks.
//
// A runner's status decides the attempt's outcome (OutcomeOf): what the task
// itself cannot do is INVALID_ARGUMENT, FAILED_PRECONDITION, NOT_FOUND,
// DATA_LOSS or UNIMPLEMENTED; CANCELLED ends the attempt without a verdict;
// everything else is this machine's fault and the task runs again elsewhere.
#ifndef FROSTNAS_WORKERS_TASK_RUNNER_H_
#define FROSTNAS_WORKERS_TASK_RUNNER_H_

#include <functional>

#include "absl/status/statusor.h"
#include "base/stop.h"
#include "proto/frostnas/v1/task.pb.h"
#include "workers/lease_client.h"

namespace frostnas::workers {

// What a runner may use while it works.
struct TaskContext {
  LeaseClient& client;  // blobs
  // Requested when the lease is gone or the worker stops: return CANCELLED
  // within a second.
  StopToken stop;
  // 0..1, any number of times.
  std::function<void(double)> progress;
};

class TaskRunner {
 public:
  virtual ~TaskRunner() = default;
  // Called from one thread at a time.
  virtual absl::StatusOr<v1::TaskResult> Run(const v1::Task& task,
                                             TaskContext& context) = 0;
};

// The outcome to report for a runner's status; not for CANCELLED.
v1::AttemptOutcome OutcomeOf(const absl::Status& status);

}  // namespace frostnas::workers

#endif  // FROSTNAS_WORKERS_TASK_RUNNER_H_
