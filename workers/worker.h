// Start here: a worker leases a task, runs it, reports, and leases the next.
//
// It survives its controller: while that is away, it keeps trying; when it
// comes back with another session, it registers again. A finished result is
// reported until the controller answers, even when the lease was lost meanwhile
// (the controller keeps it as a late attempt). Heartbeats are sent from a
// thread of their own while a task runs; when one is refused, the task is
// stopped.
//
//   ASSIGN_OR_RETURN(auto worker, Worker::Create(options, runners));
//   return worker->Run(StopOnSignals());
//
// Thread-compatible; Run returns within two seconds of a stop.
#ifndef FROSTNAS_WORKERS_WORKER_H_
#define FROSTNAS_WORKERS_WORKER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/stop.h"
#include "proto/frostnas/v1/task_service.pb.h"
#include "workers/lease_client.h"
#include "workers/task_runner.h"

namespace frostnas::workers {

struct WorkerOptions {
  LeaseClientOptions client;
  // [A-Za-z0-9._-]{1,64}, unique among the controller's workers.
  std::string worker_id;
  // Described as the controller will see them.
  std::vector<v1::Device> devices;
  // Asked before a task is leased: while it is UNAVAILABLE (a phone is away, or
  // cools down) none is, and another error ends Run with it. Returns at once.
  std::function<absl::Status()> ready;
};

// What does each kind of task; the worker's roles are the keys.
using Runners = std::map<v1::TaskKind, std::unique_ptr<TaskRunner>>;

class Worker {
 public:
  // INVALID_ARGUMENT: an option, naming it.
  static absl::StatusOr<std::unique_ptr<Worker>> Create(
      const WorkerOptions& options, Runners runners, Clock& clock);

  // Works until a stop is requested (OK), or until the controller refuses the
  // worker or `ready` does, for good (its status). Call once.
  absl::Status Run(const StopToken& stop);

 private:
  Worker(const WorkerOptions& options, Runners runners,
         std::unique_ptr<LeaseClient> client, Clock& clock);

  absl::Status Register(const StopToken& stop);
  // Leases and does at most one task.
  absl::Status Step(const StopToken& stop);
  void RunTask(const v1::Lease& lease, const StopToken& stop);
  absl::StatusOr<v1::TaskResult> RunWithHeartbeats(const v1::Lease& lease,
                                                   StopSource& task_stop);
  void Report(v1::CompleteTaskRequest request, const StopToken& stop);

  const WorkerOptions options_;
  const Runners runners_;
  const std::unique_ptr<LeaseClient> client_;
  Clock& clock_;
  std::string session_;
  absl::Duration heartbeat_every_;
};

}  // namespace frostnas::workers

#endif  // FROSTNAS_WORKERS_WORKER_H_
