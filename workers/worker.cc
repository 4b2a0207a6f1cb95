#include "workers/worker.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace frostnas::workers {
namespace {

constexpr absl::Duration kLeaseWait = absl::Seconds(20);
constexpr absl::Duration kRetryEvery = absl::Milliseconds(500);
constexpr absl::Duration kMinHeartbeatEvery = absl::Milliseconds(10);
// Between looks at a device that cannot be measured now.
constexpr absl::Duration kReadyEvery = absl::Milliseconds(200);
// How long a result is offered to a controller that does not answer once the
// worker is to stop.
constexpr absl::Duration kLastReport = absl::Seconds(1);

// The same call can never succeed.
bool Refused(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

// A status' message may hold bytes of a file or a phone; a proto's string
// must not.
std::string PlainText(absl::string_view message) {
  std::string text(message);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return text;
}

v1::TaskKind KindOf(const v1::Task& task) {
  switch (task.work_case()) {
    case v1::Task::kProfileOps:
      return v1::TASK_KIND_PROFILE_OPS;
    case v1::Task::kAccuracy:
      return v1::TASK_KIND_ACCURACY;
    case v1::Task::kLatency:
      return v1::TASK_KIND_LATENCY;
    case v1::Task::WORK_NOT_SET:
      break;
  }
  return v1::TASK_KIND_UNSPECIFIED;
}

}  // namespace

Worker::Worker(const WorkerOptions& options, Runners runners,
               std::unique_ptr<LeaseClient> client, Clock& clock)
    : options_(options),
      runners_(std::move(runners)),
      client_(std::move(client)),
      clock_(clock) {}

absl::StatusOr<std::unique_ptr<Worker>> Worker::Create(
    const WorkerOptions& options, Runners runners, Clock& clock) {
  if (runners.empty()) {
    return absl::InvalidArgumentError("--roles: at least one role is needed");
  }
  ASSIGN_OR_RETURN(auto client, LeaseClient::Create(options.client));
  return absl::WrapUnique(
      new Worker(options, std::move(runners), std::move(client), clock));
}

absl::Status Worker::Run(const StopToken& stop) {
  StopCallback end_wait(stop, [this] { client_->Cancel(); });
  while (!stop.StopRequested()) {
    if (options_.ready) {
      const absl::Status ready = options_.ready();
      if (!ready.ok() && !absl::IsUnavailable(ready)) return ready;
      if (!ready.ok()) {
        clock_.WaitFor(kReadyEvery, stop);
        continue;
      }
    }
    absl::Status status = session_.empty() ? Register(stop) : Step(stop);
    if (stop.StopRequested()) break;
    if (status.ok()) continue;
    if (Refused(status)) return status;
    if (absl::IsFailedPrecondition(status)) {
      LOG(WARNING) << "registering again: " << status.message();
      session_.clear();
    } else {
      LOG(WARNING) << "controller " << options_.client.controller
                   << " does not answer: " << status.message();
    }
    // Also before registering again: two workers of one name would otherwise
    // fence each other as fast as they can.
    clock_.WaitFor(kRetryEvery, stop);
  }
  return absl::OkStatus();
}

absl::Status Worker::Register(const StopToken& stop) {
  v1::RegisterRequest request;
  request.set_worker_id(options_.worker_id);
  for (const auto& [kind, runner] : runners_) request.add_roles(kind);
  for (const v1::Device& device : options_.devices) {
    *request.add_devices() = device;
  }
  ASSIGN_OR_RETURN(const v1::RegisterResponse response,
                   client_->Register(request));
  session_ = response.session();
  heartbeat_every_ = std::max(absl::Nanoseconds(response.heartbeat_every_ns()),
                              kMinHeartbeatEvery);
  LOG(DEBUG) << "worker " << options_.worker_id << " registered";
  return stop.Check();
}

absl::Status Worker::Step(const StopToken& stop) {
  ASSIGN_OR_RETURN(const std::optional<v1::Lease> lease,
                   client_->LeaseTask(session_, kLeaseWait));
  if (lease.has_value()) RunTask(*lease, stop);
  return absl::OkStatus();
}

void Worker::RunTask(const v1::Lease& lease, const StopToken& stop) {
  StopSource task_stop(stop);
  absl::StatusOr<v1::TaskResult> result = RunWithHeartbeats(lease, task_stop);
  v1::CompleteTaskRequest request;
  request.set_session(session_);
  request.set_task_id(lease.task().id());
  request.set_fencing_token(lease.fencing_token());
  if (result.ok()) {
    request.set_outcome(v1::ATTEMPT_OUTCOME_OK);
    *request.mutable_result() = *std::move(result);
  } else if (absl::IsCancelled(result.status())) {
    if (!stop.StopRequested()) return;  // the lease is gone
    request.set_outcome(v1::ATTEMPT_OUTCOME_INFRA_ERROR);
    request.set_error("the worker was stopped");
  } else {
    request.set_outcome(OutcomeOf(result.status()));
    request.set_error(PlainText(result.status().message()));
    LOG(WARNING) << lease.task().id() << ": " << result.status().ToString();
  }
  Report(request, stop);
}

absl::StatusOr<v1::TaskResult> Worker::RunWithHeartbeats(
    const v1::Lease& lease, StopSource& task_stop) {
  const auto runner = runners_.find(KindOf(lease.task()));
  if (runner == runners_.end()) {
    return absl::UnavailableError(
        absl::StrCat("task ", lease.task().id(),
                     " is of a kind this worker has no role for"));
  }
  std::atomic<double> progress = 0;
  StopSource heartbeat_stop;
  std::thread heartbeats([&] {
    v1::HeartbeatRequest request;
    request.set_session(session_);
    request.set_task_id(lease.task().id());
    request.set_fencing_token(lease.fencing_token());
    while (!heartbeat_stop.token().WaitFor(heartbeat_every_)) {
      request.set_progress(progress);
      const absl::Status renewed = client_->Heartbeat(request);
      const bool lost = absl::IsFailedPrecondition(renewed) || Refused(renewed);
      if (!lost) continue;
      LOG(WARNING) << "stopping " << request.task_id() << ": "
                   << renewed.message();
      task_stop.RequestStop();
      return;
    }
  });
  TaskContext context{.client = *client_,
                      .stop = task_stop.token(),
                      .progress = [&progress](double p) {
                        progress = std::clamp(p, 0.0, 1.0);
                      }};
  absl::StatusOr<v1::TaskResult> result =
      runner->second->Run(lease.task(), context);
  heartbeat_stop.RequestStop();
  heartbeats.join();
  return result;
}

void Worker::Report(v1::CompleteTaskRequest request, const StopToken& stop) {
  std::optional<absl::Duration> give_up;
  while (true) {
    if (stop.StopRequested() && !give_up.has_value()) {
      give_up = clock_.Monotonic() + kLastReport;
    }
    const absl::Status status = client_->Complete(request).status();
    if (status.ok()) return;
    if (absl::IsFailedPrecondition(status) || Refused(status)) {
      LOG(WARNING) << request.task_id()
                   << " was not counted: " << status.message();
      if (request.outcome() != v1::ATTEMPT_OUTCOME_OK) return;
      if (!absl::IsInvalidArgument(status)) return;
      // Said at once, the task need not wait for its lease to expire.
      request.set_outcome(v1::ATTEMPT_OUTCOME_INFRA_ERROR);
      request.set_error(PlainText(
          absl::StrCat("the result was refused: ", status.message())));
      request.clear_result();
      continue;
    }
    if (give_up.has_value() && clock_.Monotonic() >= *give_up) {
      LOG(WARNING) << request.task_id()
                   << " was not reported: " << status.message();
      return;
    }
    // A stop ends the wait, and the call before it: one more try follows.
    clock_.WaitFor(kRetryEvery, give_up.has_value() ? StopToken() : stop);
  }
}

}  // namespace frostnas::workers
