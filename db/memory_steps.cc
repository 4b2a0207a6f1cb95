#include "db/memory_steps.h"

#include <set>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "db/rules.h"

namespace frostnas::db {
namespace {

int64_t SeqOf(const MemoryState& state, const MemoryStudy& study) {
  return &study - state.studies.data() + 1;
}

absl::StatusOr<v1::Trial> AddTrial(MemoryState& state, MemoryStudy* study,
                                   const v1::Trial& given) {
  if (!IsSha256Hex(given.arch_sha256())) {
    return absl::InvalidArgumentError(
        "trial.arch_sha256: must be 64 lower-case hexadecimal digits");
  }
  for (const v1::Trial& trial : study->trials) {
    if (trial.arch_sha256() == given.arch_sha256()) return trial;
  }
  const int id = static_cast<int>(study->trials.size()) + 1;
  study->trials.push_back(MakeTrial(given, study->study.id(), id));
  state.AddTrialEvent(study, study->trials.back());
  return study->trials.back();
}

absl::Status UpdateTrial(MemoryState& state, MemoryStudy* study,
                         const TrialUpdate& update) {
  ASSIGN_OR_RETURN(v1::Trial* const trial, FindTrial(study, update.trial_id));
  ApplyTrialUpdate(update, trial);
  for (const v1::Measurement& measurement : update.latency) {
    study->measurements[trial->id()].push_back(measurement);
  }
  SettleTrial(study->study.spec(), trial);
  state.AddTrialEvent(study, *trial);
  if (IsGivenUp(trial->state())) {
    state.CancelTasks(SeqOf(state, *study), trial->id());
  }
  return absl::OkStatus();
}

absl::Status SetFront(MemoryState& state, MemoryStudy* study,
                      const std::vector<int>& ids) {
  for (const int id : ids) {
    RETURN_IF_ERROR(FindTrial(study, id).status());
  }
  const absl::flat_hash_set<int> front(ids.begin(), ids.end());
  for (v1::Trial& trial : study->trials) {
    if (trial.on_front() == front.contains(trial.id())) continue;
    trial.set_on_front(front.contains(trial.id()));
    state.AddTrialEvent(study, trial);
  }
  return absl::OkStatus();
}

MemoryTask* FindKey(MemoryState& state, int64_t study, const std::string& key) {
  for (MemoryTask& task : state.tasks) {
    if (task.study == study && task.record.key == key) return &task;
  }
  return nullptr;
}

void MakeRunnable(MemoryState& state, MemoryTask* task) {
  task->record.state = TaskState::kRunnable;
  task->attempts_left = task->record.task.max_attempts();
  task->failed_worker.clear();
  state.tasks_changed = true;
}

absl::StatusOr<v1::Task> AddTask(MemoryState& state, MemoryStudy* study,
                                 const NewTask& given) {
  RETURN_IF_ERROR(CheckNewTask(given));
  const int64_t seq = SeqOf(state, *study);
  if (MemoryTask* const found = FindKey(state, seq, given.key)) {
    if (found->record.state == TaskState::kCancelled) {
      MakeRunnable(state, found);
    }
    return found->record.task;
  }
  if (given.task.trial_id() != 0) {
    RETURN_IF_ERROR(FindTrial(study, given.task.trial_id()).status());
  }
  MemoryTask& task = state.tasks.emplace_back();
  task.study = seq;
  task.record.key = given.key;
  task.record.task = given.task;
  task.record.task.set_id(TaskId(static_cast<int64_t>(state.tasks.size())));
  task.record.task.set_study_id(study->study.id());
  MakeRunnable(state, &task);
  return task.record.task;
}

absl::Status ApplyTrials(MemoryState& state, MemoryStudy* study,
                         const StudyStep& step, StepResult* result) {
  for (const v1::Trial& given : step.new_trials) {
    ASSIGN_OR_RETURN(v1::Trial trial, AddTrial(state, study, given));
    result->trials.push_back(std::move(trial));
  }
  for (const TrialUpdate& update : step.trial_updates) {
    RETURN_IF_ERROR(UpdateTrial(state, study, update));
  }
  if (!step.front.has_value()) return absl::OkStatus();
  return SetFront(state, study, *step.front);
}

absl::Status ApplyRest(MemoryState& state, MemoryStudy* study,
                       const StudyStep& step, StepResult* result) {
  for (const NewTask& given : step.new_tasks) {
    ASSIGN_OR_RETURN(v1::Task task, AddTask(state, study, given));
    result->tasks.push_back(std::move(task));
  }
  if (step.checkpoint.has_value()) {
    RETURN_IF_ERROR(CheckCheckpoint(*step.checkpoint));
    study->checkpoint = step.checkpoint;
  }
  for (const v1::StudyEvent& event : step.events) state.AddEvent(study, event);
  return absl::OkStatus();
}

// Ends what is open in a study that takes no more work.
void CloseStudy(MemoryState& state, MemoryStudy* study, bool can_resume) {
  state.CancelTasks(SeqOf(state, *study), /*trial=*/0);
  if (can_resume) return;
  for (v1::Trial& trial : study->trials) {
    if (trial.state() != v1::TRIAL_STATE_WAITING) continue;
    trial.set_state(v1::TRIAL_STATE_CANCELLED);
    state.AddTrialEvent(study, trial);
  }
}

}  // namespace

absl::StatusOr<v1::Study> AddStudy(MemoryState& state,
                                   absl::string_view request_id,
                                   const v1::StudySpec& spec) {
  RETURN_IF_ERROR(CheckRequestId(request_id));
  const std::string digest = SpecDigest(spec);
  for (const MemoryStudy& study : state.studies) {
    if (study.request_id != request_id) continue;
    if (study.spec_sha256 == digest) return study.study;
    return absl::AlreadyExistsError(
        absl::StrCat("request_id ", request_id, " was used with another spec"));
  }
  MemoryStudy& study = state.studies.emplace_back();
  study.request_id = std::string(request_id);
  study.spec_sha256 = digest;
  study.study.set_id(StudyId(static_cast<int64_t>(state.studies.size())));
  *study.study.mutable_spec() = spec;
  study.study.set_state(v1::STUDY_STATE_QUEUED);
  study.study.set_created_at_ns(state.now_ns);
  state.AddStudyEvent(&study);
  return study.study;
}

absl::StatusOr<StepResult> ApplyStep(MemoryState& state,
                                     absl::string_view study_id,
                                     const StudyStep& step) {
  ASSIGN_OR_RETURN(MemoryStudy* const study, state.FindStudy(study_id));
  RETURN_IF_ERROR(CheckStep(study->study, study->cancel_requested, step));
  if (ApplyStudyUpdate(step.update, state.now_ns, &study->study)) {
    state.AddStudyEvent(study);
  }
  StepResult result;
  RETURN_IF_ERROR(ApplyTrials(state, study, step, &result));
  RETURN_IF_ERROR(ApplyRest(state, study, step, &result));
  if (HasEnded(study->study.state())) {
    CloseStudy(state, study, study->study.state() == v1::STUDY_STATE_FAILED);
  }
  result.study = study->study;
  return result;
}

absl::StatusOr<v1::Study> CancelStudy(MemoryState& state,
                                      absl::string_view study_id) {
  ASSIGN_OR_RETURN(MemoryStudy* const study, state.FindStudy(study_id));
  if (HasEnded(study->study.state()) || study->cancel_requested) {
    return study->study;
  }
  study->cancel_requested = true;
  if (study->study.state() == v1::STUDY_STATE_QUEUED) {
    StudyUpdate update;
    update.state = v1::STUDY_STATE_CANCELLED;
    ApplyStudyUpdate(update, state.now_ns, &study->study);
  }
  state.AddStudyEvent(study);
  CloseStudy(state, study, /*can_resume=*/false);
  return study->study;
}

std::vector<std::string> BlobsNamedIn(const MemoryState& state) {
  std::set<std::string> names;
  for (const MemoryStudy& study : state.studies) {
    for (const v1::Trial& trial : study.trials) {
      names.insert({trial.weights_sha256(), trial.package_sha256()});
    }
    if (!study.checkpoint.has_value()) continue;
    names.insert(study.checkpoint->blob_sha256.begin(),
                 study.checkpoint->blob_sha256.end());
  }
  for (const MemoryTask& task : state.tasks) {
    names.insert(InputOf(task.record.task));
    for (const MemoryAttempt& attempt : task.attempts) {
      if (!attempt.record.result.has_value()) continue;
      for (std::string& name : BlobsOf(*attempt.record.result)) {
        names.insert(std::move(name));
      }
    }
  }
  names.erase("");
  return {names.begin(), names.end()};
}

absl::StatusOr<v1::Trial*> FindTrial(MemoryStudy* study, int trial_id) {
  if (trial_id >= 1 && trial_id <= static_cast<int>(study->trials.size())) {
    return &study->trials[trial_id - 1];
  }
  return NoSuchTrial(study->study.id(), trial_id);
}

v1::WorkerStatus StatusOf(const MemoryState& state,
                          const MemoryWorker& worker) {
  v1::WorkerStatus status;
  status.set_worker_id(worker.registration.worker_id());
  *status.mutable_roles() = worker.registration.roles();
  for (const v1::Device& device : worker.registration.devices()) {
    status.add_devices(device.id());
  }
  status.set_last_heard_at_ns(worker.last_heard_ns);
  for (const MemoryTask& task : state.tasks) {
    for (const MemoryAttempt& attempt : task.attempts) {
      if (attempt.open() &&
          attempt.record.attempt.worker_id() == status.worker_id()) {
        status.add_task_ids(task.record.task.id());
      }
    }
  }
  return status;
}

}  // namespace frostnas::db
