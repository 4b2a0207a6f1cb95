#include "db/store.h"

#include "base/status_macros.h"

namespace frostnas::db {

void TaskCounts::Add(TaskState state, int n) {
  switch (state) {
    case TaskState::kRunnable:
      runnable += n;
      break;
    case TaskState::kLeased:
      leased += n;
      break;
    case TaskState::kDone:
      done += n;
      break;
    case TaskState::kFailed:
      failed += n;
      break;
    case TaskState::kCancelled:
      cancelled += n;
      break;
  }
}

absl::StatusOr<v1::Study> Store::UpdateStudy(absl::string_view study_id,
                                             const StudyUpdate& update) {
  StudyStep step;
  step.update = update;
  ASSIGN_OR_RETURN(StepResult result, CommitStep(study_id, step));
  return std::move(result.study);
}

absl::StatusOr<std::vector<v1::Trial>> Store::CreateTrials(
    absl::string_view study_id, absl::Span<const v1::Trial> trials) {
  StudyStep step;
  step.new_trials.assign(trials.begin(), trials.end());
  ASSIGN_OR_RETURN(StepResult result, CommitStep(study_id, step));
  return std::move(result.trials);
}

absl::StatusOr<std::vector<v1::Task>> Store::CreateTasks(
    absl::string_view study_id, absl::Span<const NewTask> tasks) {
  StudyStep step;
  step.new_tasks.assign(tasks.begin(), tasks.end());
  ASSIGN_OR_RETURN(StepResult result, CommitStep(study_id, step));
  return std::move(result.tasks);
}

absl::Status Store::AppendEvent(absl::string_view study_id,
                                const v1::StudyEvent& event) {
  StudyStep step;
  step.events.push_back(event);
  return CommitStep(study_id, step).status();
}

absl::Status Store::SaveCheckpoint(absl::string_view study_id,
                                   const Checkpoint& checkpoint) {
  StudyStep step;
  step.checkpoint = checkpoint;
  return CommitStep(study_id, step).status();
}

}  // namespace frostnas::db
