#include "db/tables/steps.h"

#include <utility>

#include "base/status_macros.h"
#include "db/rules.h"
#include "db/tables/checkpoints.h"
#include "db/tables/events.h"
#include "db/tables/leases.h"
#include "db/tables/studies.h"
#include "db/tables/tasks.h"
#include "db/tables/trials.h"

namespace frostnas::db {
namespace {

// Ends what is open in a study that takes no more work.
absl::Status CloseStudy(WriteContext& context, int64_t study, bool can_resume) {
  RETURN_IF_ERROR(CancelTasks(context, study, /*trial=*/0));
  return can_resume ? absl::OkStatus() : CancelWaitingTrials(context, study);
}

absl::Status ApplyToTrial(WriteContext& context, const StudyRow& study,
                          const TrialUpdate& update) {
  ASSIGN_OR_RETURN(v1::Trial trial,
                   ReadTrial(context.db, study.seq, update.trial_id));
  ApplyTrialUpdate(update, &trial);
  for (const v1::Measurement& measurement : update.latency) {
    RETURN_IF_ERROR(
        RecordMeasurement(context, study.seq, trial.id(), measurement));
  }
  SettleTrial(study.study.spec(), &trial);
  RETURN_IF_ERROR(SaveTrial(context, study.seq, trial));
  if (!IsGivenUp(trial.state())) return absl::OkStatus();
  return CancelTasks(context, study.seq, trial.id());
}

absl::Status ApplyTrials(WriteContext& context, const StudyRow& study,
                         const StudyStep& step, StepResult* result) {
  for (const v1::Trial& given : step.new_trials) {
    ASSIGN_OR_RETURN(v1::Trial trial,
                     FindOrInsertTrial(context, study.seq, given));
    result->trials.push_back(std::move(trial));
  }
  for (const TrialUpdate& update : step.trial_updates) {
    RETURN_IF_ERROR(ApplyToTrial(context, study, update));
  }
  if (!step.front.has_value()) return absl::OkStatus();
  return SaveFront(context, study.seq, *step.front);
}

absl::Status ApplyRest(WriteContext& context, int64_t study,
                       const StudyStep& step, StepResult* result) {
  for (const NewTask& given : step.new_tasks) {
    ASSIGN_OR_RETURN(v1::Task task, FindOrInsertTask(context, study, given));
    result->tasks.push_back(std::move(task));
  }
  if (step.checkpoint.has_value()) {
    RETURN_IF_ERROR(SaveCheckpoint(context, study, *step.checkpoint));
  }
  for (const v1::StudyEvent& event : step.events) {
    RETURN_IF_ERROR(AppendEvent(context, study, event));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StepResult> ApplyStep(WriteContext& context,
                                     absl::string_view study_id,
                                     const StudyStep& step) {
  ASSIGN_OR_RETURN(StudyRow row, ReadStudy(context.db, study_id));
  RETURN_IF_ERROR(CheckStep(row.study, row.cancel_requested, step));
  if (ApplyStudyUpdate(step.update, context.now_ns, &row.study)) {
    RETURN_IF_ERROR(SaveStudy(context, row));
  }
  StepResult result;
  RETURN_IF_ERROR(ApplyTrials(context, row, step, &result));
  RETURN_IF_ERROR(ApplyRest(context, row.seq, step, &result));
  // Last, so that a step that ends the study leaves nothing open.
  if (HasEnded(row.study.state())) {
    RETURN_IF_ERROR(CloseStudy(context, row.seq,
                               row.study.state() == v1::STUDY_STATE_FAILED));
  }
  result.study = std::move(row.study);
  return result;
}

absl::StatusOr<v1::Study> CancelStudy(WriteContext& context,
                                      absl::string_view study_id) {
  ASSIGN_OR_RETURN(StudyRow row, ReadStudy(context.db, study_id));
  if (HasEnded(row.study.state()) || row.cancel_requested) {
    return std::move(row.study);
  }
  row.cancel_requested = true;
  if (row.study.state() == v1::STUDY_STATE_QUEUED) {
    StudyUpdate update;
    update.state = v1::STUDY_STATE_CANCELLED;
    ApplyStudyUpdate(update, context.now_ns, &row.study);
  }
  RETURN_IF_ERROR(SaveStudy(context, row));
  RETURN_IF_ERROR(CloseStudy(context, row.seq, /*can_resume=*/false));
  return std::move(row.study);
}

}  // namespace frostnas::db
