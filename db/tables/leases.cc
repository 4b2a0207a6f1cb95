#include "db/tables/leases.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "db/rules.h"
#include "db/tables/attempts.h"
#include "db/tables/latency_tables.h"
#include "db/tables/studies.h"
#include "db/tables/tasks.h"
#include "db/tables/trials.h"
#include "db/tables/workers.h"

namespace frostnas::db {
namespace {

using sqlite::Database;

int64_t EndOf(const WriteContext& context, absl::Duration duration) {
  return absl::ToUnixNanos(absl::FromUnixNanos(context.now_ns) + duration);
}

// --- Choosing a task ---------------------------------------------------------

// Devices the worker may be given work for, as tasks of `kind` name them.
absl::StatusOr<std::vector<std::string>> FreeDevices(
    Database& db, const v1::RegisterRequest& worker, v1::TaskKind kind) {
  if (kind == v1::TASK_KIND_ACCURACY) return std::vector<std::string>{""};
  ASSIGN_OR_RETURN(const auto held, FindOpenAttemptsOf(db, worker.worker_id()));
  std::vector<std::string> busy;
  for (const AttemptRow& attempt : held) {
    ASSIGN_OR_RETURN(const TaskRow task, ReadTask(db, attempt.task));
    busy.push_back(DeviceOf(task.record.task));
  }
  std::vector<std::string> devices;
  for (const v1::Device& device : worker.devices()) {
    if (std::find(busy.begin(), busy.end(), device.id()) == busy.end()) {
      devices.push_back(device.id());
    }
  }
  return devices;
}

// The oldest task this worker may take; 0: none.
absl::StatusOr<int64_t> ChooseTask(WriteContext& context,
                                   const v1::RegisterRequest& worker) {
  int64_t oldest = 0;
  for (const int role : worker.roles()) {
    const auto kind = static_cast<v1::TaskKind>(role);
    ASSIGN_OR_RETURN(const auto devices, FreeDevices(context.db, worker, kind));
    for (const std::string& device : devices) {
      ASSIGN_OR_RETURN(
          const bool another,
          AnotherCouldTake(context, worker.worker_id(), kind, device));
      ASSIGN_OR_RETURN(const std::optional<int64_t> task,
                       FindRunnable(context.db, kind, device,
                                    another ? worker.worker_id() : ""));
      if (task && (oldest == 0 || *task < oldest)) oldest = *task;
    }
  }
  return oldest;
}

// --- Ends of attempts --------------------------------------------------------

void SetEnd(const WriteContext& context, v1::AttemptOutcome outcome,
            absl::string_view error, AttemptRow* row) {
  v1::Attempt& attempt = row->record.attempt;
  attempt.set_outcome(outcome);
  attempt.set_error(CutError(error));
  if (attempt.ended_at_ns() == 0) attempt.set_ended_at_ns(context.now_ns);
}

absl::StatusOr<std::string> DescribeAttempts(Database& db, int64_t task) {
  ASSIGN_OR_RETURN(const auto attempts, ReadAttempts(db, task));
  return absl::StrJoin(attempts, "\n",
                       [](std::string* out, const AttemptRecord& record) {
                         out->append(DescribeAttempt(record.attempt));
                       });
}

// Ends an open attempt by a fault of a machine: the task runs again while it
// has attempts left.
absl::Status EndByFault(WriteContext& context, AttemptRow* row,
                        v1::AttemptOutcome outcome, absl::string_view error) {
  SetEnd(context, outcome, error, row);
  ASSIGN_OR_RETURN(const TaskRow task, ReadTask(context.db, row->task));
  RETURN_IF_ERROR(SaveEnd(context, task.study, *row));
  if (task.attempts_left > 0) {
    return MarkRunnable(context, row->task, row->record.attempt.worker_id());
  }
  ASSIGN_OR_RETURN(const std::string errors,
                   DescribeAttempts(context.db, row->task));
  return MarkFailed(context, row->task, errors);
}

absl::Status EndLost(WriteContext& context, std::vector<AttemptRow>& rows,
                     absl::string_view why) {
  for (AttemptRow& row : rows) {
    RETURN_IF_ERROR(EndByFault(context, &row, v1::ATTEMPT_OUTCOME_LOST, why));
  }
  return absl::OkStatus();
}

absl::Status EndByUserError(WriteContext& context, const TaskRow& task,
                            AttemptRow* row, absl::string_view error) {
  SetEnd(context, v1::ATTEMPT_OUTCOME_USER_ERROR, error, row);
  RETURN_IF_ERROR(SaveEnd(context, task.study, *row));
  ASSIGN_OR_RETURN(const std::string errors,
                   DescribeAttempts(context.db, row->task));
  RETURN_IF_ERROR(MarkFailed(context, row->task, errors));
  const int trial_id = task.record.task.trial_id();
  if (trial_id == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(v1::Trial trial,
                   ReadTrial(context.db, task.study, trial_id));
  trial.set_state(v1::TRIAL_STATE_INFEASIBLE);
  trial.set_error(row->record.attempt.error());
  RETURN_IF_ERROR(SaveTrial(context, task.study, trial));
  return CancelTasks(context, task.study, trial_id);
}

// Puts a counted result into the task's trial.
absl::Status CountInTrial(WriteContext& context, const TaskRow& task,
                          const v1::TaskResult& result) {
  ASSIGN_OR_RETURN(const StudyRow study, ReadStudy(context.db, task.study));
  ASSIGN_OR_RETURN(v1::Trial trial, ReadTrial(context.db, task.study,
                                              task.record.task.trial_id()));
  if (result.has_accuracy()) ApplyAccuracy(result.accuracy(), &trial);
  if (result.has_latency()) {
    const v1::Measurement& measurement = result.latency().measurement();
    ApplyMeasurement(measurement, &trial);
    RETURN_IF_ERROR(
        RecordMeasurement(context, task.study, trial.id(), measurement));
  }
  SettleTrial(study.study.spec(), &trial);
  return SaveTrial(context, task.study, trial);
}

absl::Status EndOk(WriteContext& context, const TaskRow& task, AttemptRow* row,
                   const v1::TaskResult& result) {
  SetEnd(context, v1::ATTEMPT_OUTCOME_OK, "", row);
  row->record.result = result;
  RETURN_IF_ERROR(SaveEnd(context, task.study, *row));
  RETURN_IF_ERROR(MarkDone(context, row->task, result));
  if (result.has_profile_ops()) {
    return MergeTable(context.db, TableOf(task.record.task.profile_ops(),
                                          result.profile_ops()));
  }
  if (task.record.task.trial_id() == 0) return absl::OkStatus();
  return CountInTrial(context, task, result);
}

// Keeps what came after the lease was over, once.
absl::Status KeepLate(WriteContext& context, const TaskRow& task,
                      AttemptRow* row, const Completion& completion) {
  if (row->record.attempt.outcome() == v1::ATTEMPT_OUTCOME_LATE) {
    return absl::OkStatus();
  }
  SetEnd(context, v1::ATTEMPT_OUTCOME_LATE, completion.error, row);
  if (completion.outcome == v1::ATTEMPT_OUTCOME_OK) {
    row->record.result = completion.result;
  }
  return SaveEnd(context, task.study, *row);
}

absl::Status EndOpen(WriteContext& context, const TaskRow& task,
                     AttemptRow* row, const Completion& completion) {
  switch (completion.outcome) {
    case v1::ATTEMPT_OUTCOME_OK:
      return EndOk(context, task, row, completion.result);
    case v1::ATTEMPT_OUTCOME_USER_ERROR:
      return EndByUserError(context, task, row, completion.error);
    default:
      return EndByFault(context, row, completion.outcome, completion.error);
  }
}

}  // namespace

absl::StatusOr<std::optional<v1::Lease>> Lease(WriteContext& context,
                                               absl::string_view session,
                                               absl::Duration duration) {
  RETURN_IF_ERROR(CheckDuration(duration));
  ASSIGN_OR_RETURN(const auto worker, ReadWorker(context.db, session));
  RETURN_IF_ERROR(TouchWorker(context, worker.worker_id()));
  ASSIGN_OR_RETURN(const int64_t chosen, ChooseTask(context, worker));
  if (chosen == 0) return std::nullopt;
  RETURN_IF_ERROR(MarkLeased(context, chosen));
  ASSIGN_OR_RETURN(TaskRow task, ReadTask(context.db, chosen));
  NewAttempt attempt;
  attempt.task = chosen;
  attempt.number = task.record.attempts;
  attempt.worker_id = worker.worker_id();
  attempt.session = session;
  attempt.expires_ns = EndOf(context, duration);
  ASSIGN_OR_RETURN(const int64_t token, InsertAttempt(context, attempt));
  v1::Lease lease;
  *lease.mutable_task() = std::move(task.record.task);
  lease.set_fencing_token(token);
  lease.set_duration_ns(absl::ToInt64Nanoseconds(duration));
  return lease;
}

absl::Status Renew(WriteContext& context, const LeaseRef& lease,
                   absl::Duration duration, double progress) {
  RETURN_IF_ERROR(CheckDuration(duration));
  RETURN_IF_ERROR(CheckFraction("progress", progress));
  ASSIGN_OR_RETURN(const auto attempt, FindAttempt(context.db, lease));
  if (!attempt || !attempt->open()) return LeaseOver(lease.task_id);
  RETURN_IF_ERROR(TouchWorker(context, attempt->record.attempt.worker_id()));
  RETURN_IF_ERROR(SetProgress(context, attempt->task, progress));
  return SetExpiry(context, lease.fencing_token, EndOf(context, duration));
}

absl::StatusOr<std::optional<CompletionResult>> Complete(
    WriteContext& context, const Completion& completion) {
  const LeaseRef& lease = completion.lease;
  ASSIGN_OR_RETURN(auto attempt, FindAttempt(context.db, lease));
  if (!attempt) {
    return absl::NotFoundError(absl::StrCat(
        "no lease ", lease.fencing_token, " of task ",
        lease.task_id.substr(0, 80), " was given to this session"));
  }
  ASSIGN_OR_RETURN(const TaskRow task, ReadTask(context.db, attempt->task));
  RETURN_IF_ERROR(CheckCompletion(task.record.task, completion));
  RETURN_IF_ERROR(TouchWorker(context, attempt->record.attempt.worker_id()));
  if (attempt->open()) {
    RETURN_IF_ERROR(EndOpen(context, task, &*attempt, completion));
  }
  const v1::AttemptOutcome outcome = attempt->record.attempt.outcome();
  if (outcome == v1::ATTEMPT_OUTCOME_LOST ||
      outcome == v1::ATTEMPT_OUTCOME_LATE) {
    RETURN_IF_ERROR(KeepLate(context, task, &*attempt, completion));
    return std::nullopt;
  }
  return CompletionResult{outcome == v1::ATTEMPT_OUTCOME_OK};
}

absl::StatusOr<std::vector<v1::Attempt>> Expire(WriteContext& context) {
  ASSIGN_OR_RETURN(auto expired,
                   FindExpiredAttempts(context.db, context.now_ns));
  RETURN_IF_ERROR(EndLost(context, expired, "the lease expired"));
  std::vector<v1::Attempt> attempts;
  for (AttemptRow& row : expired) {
    attempts.push_back(std::move(row.record.attempt));
  }
  return attempts;
}

absl::Status Register(WriteContext& context, const v1::RegisterRequest& worker,
                      absl::string_view session) {
  RETURN_IF_ERROR(CheckWorker(worker, session));
  ASSIGN_OR_RETURN(const bool replaced, SaveWorker(context, worker, session));
  // A new worker may be the one that a failed task waits for.
  context.tasks_changed = true;
  if (!replaced) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto open,
                   FindOpenAttemptsOf(context.db, worker.worker_id()));
  return EndLost(context, open, "the worker registered again");
}

absl::Status CancelTasks(WriteContext& context, int64_t study, int trial) {
  ASSIGN_OR_RETURN(const auto open, FindOpenTasks(context.db, study, trial));
  for (const int64_t seq : open) {
    ASSIGN_OR_RETURN(auto attempt, FindOpenAttempt(context.db, seq));
    if (attempt) {
      SetEnd(context, v1::ATTEMPT_OUTCOME_LOST, "the task was cancelled",
             &*attempt);
      RETURN_IF_ERROR(SaveEnd(context, study, *attempt));
    }
    RETURN_IF_ERROR(MarkCancelled(context, seq));
  }
  return absl::OkStatus();
}

}  // namespace frostnas::db
