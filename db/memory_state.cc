#include "db/memory_state.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "db/rules.h"
#include "db/store.h"

namespace frostnas::db {
namespace {

bool IsOpen(const MemoryTask& task) {
  return task.record.state == TaskState::kRunnable ||
         task.record.state == TaskState::kLeased;
}

// Whether the worker's roles and devices fit the task.
bool IsAble(const v1::RegisterRequest& worker, const v1::Task& task) {
  const std::string& device_id = DeviceOf(task);
  const bool has_device =
      device_id.empty() ||
      absl::c_any_of(worker.devices(), [&](const v1::Device& device) {
        return device.id() == device_id;
      });
  return has_device && absl::c_linear_search(worker.roles(), KindOf(task));
}

std::string DescribeAttempts(const MemoryTask& task) {
  return absl::StrJoin(task.attempts, "\n",
                       [](std::string* out, const MemoryAttempt& attempt) {
                         out->append(DescribeAttempt(attempt.record.attempt));
                       });
}

}  // namespace

absl::StatusOr<MemoryStudy*> MemoryState::FindStudy(
    absl::string_view study_id) {
  ASSIGN_OR_RETURN(const int64_t seq, StudySeq(study_id));
  if (seq >= 1 && seq <= static_cast<int64_t>(studies.size())) {
    return &studies[seq - 1];
  }
  return absl::NotFoundError(absl::StrCat("no study ", study_id));
}

absl::StatusOr<MemoryTask*> MemoryState::FindTask(absl::string_view task_id) {
  ASSIGN_OR_RETURN(const int64_t seq, TaskSeq(task_id));
  if (seq >= 1 && seq <= static_cast<int64_t>(tasks.size())) {
    return &tasks[seq - 1];
  }
  return absl::NotFoundError(absl::StrCat("no task ", task_id));
}

absl::StatusOr<MemoryWorker*> MemoryState::FindSession(
    absl::string_view session) {
  for (auto& [id, worker] : workers) {
    if (worker.session == session) return &worker;
  }
  return SessionReplaced();
}

absl::StatusOr<std::optional<v1::Lease>> MemoryState::Lease(
    absl::string_view session, absl::Duration duration) {
  RETURN_IF_ERROR(CheckDuration(duration));
  ASSIGN_OR_RETURN(MemoryWorker* const worker, FindSession(session));
  worker->last_heard_ns = now_ns;
  MemoryTask* const task = ChooseTask(*worker);
  if (task == nullptr) return std::nullopt;
  task->record.state = TaskState::kLeased;
  task->record.progress = 0;
  --task->attempts_left;
  MemoryAttempt attempt;
  attempt.record.attempt.set_task_id(task->record.task.id());
  attempt.record.attempt.set_number(++task->record.attempts);
  attempt.record.attempt.set_worker_id(worker->registration.worker_id());
  attempt.record.attempt.set_started_at_ns(now_ns);
  attempt.record.fencing_token = ++last_token;
  attempt.session = worker->session;
  attempt.expires_ns = now_ns + absl::ToInt64Nanoseconds(duration);
  task->attempts.push_back(std::move(attempt));
  v1::Lease lease;
  *lease.mutable_task() = task->record.task;
  lease.set_fencing_token(last_token);
  lease.set_duration_ns(absl::ToInt64Nanoseconds(duration));
  return lease;
}

MemoryTask* MemoryState::ChooseTask(const MemoryWorker& worker) {
  for (MemoryTask& task : tasks) {
    if (MayTake(worker, task)) return &task;
  }
  return nullptr;
}

bool MemoryState::MayTake(const MemoryWorker& worker,
                          const MemoryTask& task) const {
  const std::string& id = worker.registration.worker_id();
  return task.record.state == TaskState::kRunnable &&
         IsAble(worker.registration, task.record.task) &&
         !HoldsDevice(id, DeviceOf(task.record.task)) &&
         (task.failed_worker != id || !AnotherCouldTake(id, task));
}

bool MemoryState::AnotherCouldTake(const std::string& worker_id,
                                   const MemoryTask& task) const {
  const int64_t since =
      now_ns - absl::ToInt64Nanoseconds(Store::WorkerTimeout());
  return absl::c_any_of(workers, [&](const auto& other) {
    return other.first != worker_id && other.second.last_heard_ns >= since &&
           IsAble(other.second.registration, task.record.task);
  });
}

bool MemoryState::HoldsDevice(const std::string& worker_id,
                              const std::string& device_id) const {
  if (device_id.empty()) return false;
  return absl::c_any_of(tasks, [&](const MemoryTask& task) {
    return task.record.state == TaskState::kLeased &&
           task.attempts.back().record.attempt.worker_id() == worker_id &&
           DeviceOf(task.record.task) == device_id;
  });
}

MemoryAttempt* MemoryState::FindAttempt(const LeaseRef& lease,
                                        MemoryTask** task) {
  const absl::StatusOr<MemoryTask*> found = FindTask(lease.task_id);
  if (!found.ok()) return nullptr;
  *task = *found;
  for (MemoryAttempt& attempt : (*found)->attempts) {
    if (attempt.record.fencing_token == lease.fencing_token &&
        attempt.session == lease.session) {
      return &attempt;
    }
  }
  return nullptr;
}

absl::Status MemoryState::Renew(const LeaseRef& lease, absl::Duration duration,
                                double progress) {
  RETURN_IF_ERROR(CheckDuration(duration));
  RETURN_IF_ERROR(CheckFraction("progress", progress));
  MemoryTask* task = nullptr;
  MemoryAttempt* const attempt = FindAttempt(lease, &task);
  if (attempt == nullptr || !attempt->open()) return LeaseOver(lease.task_id);
  attempt->expires_ns = now_ns + absl::ToInt64Nanoseconds(duration);
  task->record.progress = progress;
  workers[attempt->record.attempt.worker_id()].last_heard_ns = now_ns;
  return absl::OkStatus();
}

absl::StatusOr<std::optional<CompletionResult>> MemoryState::Complete(
    const Completion& completion) {
  MemoryTask* task = nullptr;
  MemoryAttempt* const attempt = FindAttempt(completion.lease, &task);
  if (attempt == nullptr) {
    return absl::NotFoundError(absl::StrCat("no lease ",
                                            completion.lease.fencing_token,
                                            " was given to this session"));
  }
  RETURN_IF_ERROR(CheckCompletion(task->record.task, completion));
  workers[attempt->record.attempt.worker_id()].last_heard_ns = now_ns;
  const v1::AttemptOutcome before = attempt->record.attempt.outcome();
  if (before == v1::ATTEMPT_OUTCOME_LATE) return std::nullopt;
  if (before == v1::ATTEMPT_OUTCOME_LOST) {
    if (completion.outcome == v1::ATTEMPT_OUTCOME_OK) {
      attempt->record.result = completion.result;
    }
    End(task, attempt, v1::ATTEMPT_OUTCOME_LATE, completion.error);
    return std::nullopt;
  }
  if (before != v1::ATTEMPT_OUTCOME_UNSPECIFIED) {
    return CompletionResult{before == v1::ATTEMPT_OUTCOME_OK};
  }
  if (completion.outcome == v1::ATTEMPT_OUTCOME_OK) {
    RETURN_IF_ERROR(EndOk(task, attempt, completion.result));
    return CompletionResult{true};
  }
  if (completion.outcome == v1::ATTEMPT_OUTCOME_USER_ERROR) {
    EndByUserError(task, attempt, completion.error);
  } else {
    EndByFault(task, attempt, completion.outcome, completion.error);
  }
  return CompletionResult{false};
}

void MemoryState::End(MemoryTask* task, MemoryAttempt* attempt,
                      v1::AttemptOutcome outcome, absl::string_view error) {
  v1::Attempt& record = attempt->record.attempt;
  record.set_outcome(outcome);
  record.set_error(CutError(error));
  if (record.ended_at_ns() == 0) record.set_ended_at_ns(now_ns);
  v1::StudyEvent event;
  *event.mutable_attempt() = record;
  AddEvent(&studies[task->study - 1], std::move(event));
}

void MemoryState::EndByFault(MemoryTask* task, MemoryAttempt* attempt,
                             v1::AttemptOutcome outcome,
                             absl::string_view error) {
  End(task, attempt, outcome, error);
  if (task->attempts_left > 0) {
    task->record.state = TaskState::kRunnable;
    task->failed_worker = attempt->record.attempt.worker_id();
    tasks_changed = true;
    return;
  }
  task->record.state = TaskState::kFailed;
  task->record.error = DescribeAttempts(*task);
}

void MemoryState::EndByUserError(MemoryTask* task, MemoryAttempt* attempt,
                                 absl::string_view error) {
  End(task, attempt, v1::ATTEMPT_OUTCOME_USER_ERROR, error);
  task->record.state = TaskState::kFailed;
  task->record.error = DescribeAttempts(*task);
  const int trial_id = task->record.task.trial_id();
  if (trial_id == 0) return;
  MemoryStudy& study = studies[task->study - 1];
  v1::Trial& trial = study.trials[trial_id - 1];
  trial.set_state(v1::TRIAL_STATE_INFEASIBLE);
  trial.set_error(attempt->record.attempt.error());
  AddTrialEvent(&study, trial);
  CancelTasks(task->study, trial_id);
}

absl::Status MemoryState::EndOk(MemoryTask* task, MemoryAttempt* attempt,
                                const v1::TaskResult& result) {
  attempt->record.result = result;
  End(task, attempt, v1::ATTEMPT_OUTCOME_OK, "");
  task->record.state = TaskState::kDone;
  task->record.result = result;
  if (result.has_profile_ops()) {
    return MergeTable(
        TableOf(task->record.task.profile_ops(), result.profile_ops()));
  }
  if (task->record.task.trial_id() != 0) CountInTrial(*task, result);
  return absl::OkStatus();
}

void MemoryState::CountInTrial(const MemoryTask& task,
                               const v1::TaskResult& result) {
  MemoryStudy& study = studies[task.study - 1];
  v1::Trial& trial = study.trials[task.record.task.trial_id() - 1];
  if (result.has_accuracy()) ApplyAccuracy(result.accuracy(), &trial);
  if (result.has_latency()) {
    ApplyMeasurement(result.latency().measurement(), &trial);
    study.measurements[trial.id()].push_back(result.latency().measurement());
  }
  SettleTrial(study.study.spec(), &trial);
  AddTrialEvent(&study, trial);
}

std::vector<v1::Attempt> MemoryState::Expire() {
  std::vector<std::pair<MemoryTask*, MemoryAttempt*>> expired;
  for (MemoryTask& task : tasks) {
    for (MemoryAttempt& attempt : task.attempts) {
      if (attempt.open() && attempt.expires_ns <= now_ns) {
        expired.emplace_back(&task, &attempt);
      }
    }
  }
  absl::c_sort(expired, [](const auto& a, const auto& b) {
    return a.second->record.fencing_token < b.second->record.fencing_token;
  });
  std::vector<v1::Attempt> attempts;
  for (const auto& [task, attempt] : expired) {
    EndByFault(task, attempt, v1::ATTEMPT_OUTCOME_LOST, "the lease expired");
    attempts.push_back(attempt->record.attempt);
  }
  return attempts;
}

absl::Status MemoryState::Register(const v1::RegisterRequest& worker,
                                   absl::string_view session) {
  RETURN_IF_ERROR(CheckWorker(worker, session));
  const absl::StatusOr<MemoryWorker*> holder = FindSession(session);
  if (holder.ok() &&
      (*holder)->registration.worker_id() != worker.worker_id()) {
    return absl::AlreadyExistsError("session: in use by another worker");
  }
  workers[worker.worker_id()] = {worker, std::string(session), now_ns};
  tasks_changed = true;
  for (MemoryTask& task : tasks) {
    for (MemoryAttempt& attempt : task.attempts) {
      if (!attempt.open() || attempt.session == session ||
          attempt.record.attempt.worker_id() != worker.worker_id()) {
        continue;
      }
      EndByFault(&task, &attempt, v1::ATTEMPT_OUTCOME_LOST,
                 "the worker registered again");
    }
  }
  return absl::OkStatus();
}

absl::Status MemoryState::MergeTable(const v1::LatencyTable& table) {
  RETURN_IF_ERROR(CheckLatencyTable(table));
  MemoryTable& kept =
      tables[{table.device().fingerprint(), table.device().runtime(),
              table.threads(), table.batch()}];
  MergeTableHeader(table, &kept.header);
  for (const v1::OpLatency& op : table.ops()) kept.ops[OpDigest(op.op())] = op;
  return absl::OkStatus();
}

void MemoryState::CancelTasks(int64_t study, int trial) {
  for (MemoryTask& task : tasks) {
    if (task.study != study || !IsOpen(task) ||
        (trial != 0 && task.record.task.trial_id() != trial)) {
      continue;
    }
    if (task.record.state == TaskState::kLeased) {
      End(&task, &task.attempts.back(), v1::ATTEMPT_OUTCOME_LOST,
          "the task was cancelled");
    }
    task.record.state = TaskState::kCancelled;
  }
}

void MemoryState::AddEvent(MemoryStudy* study, v1::StudyEvent event) {
  event.set_sequence(study->events.size() + 1);
  event.set_study_id(study->study.id());
  event.set_at_ns(now_ns);
  study->events.push_back(std::move(event));
  events_changed = true;
}

void MemoryState::AddStudyEvent(MemoryStudy* study) {
  v1::StudyEvent event;
  *event.mutable_study() = study->study;
  event.mutable_study()->clear_spec();
  AddEvent(study, std::move(event));
}

void MemoryState::AddTrialEvent(MemoryStudy* study, const v1::Trial& trial) {
  v1::StudyEvent event;
  *event.mutable_trial() = trial;
  AddEvent(study, std::move(event));
}

}  // namespace frostnas::db
