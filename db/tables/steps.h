// Steps of a study's engine, and the request to cancel one.
#ifndef FROSTNAS_DB_TABLES_STEPS_H_
#define FROSTNAS_DB_TABLES_STEPS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "db/records.h"
#include "db/tables/context.h"
#include "proto/frostnas/v1/study.pb.h"

namespace frostnas::db {

// As Store::CommitStep.
absl::StatusOr<StepResult> ApplyStep(WriteContext& context,
                                     absl::string_view study_id,
                                     const StudyStep& step);

// As Store::RequestCancel.
absl::StatusOr<v1::Study> CancelStudy(WriteContext& context,
                                      absl::string_view study_id);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_TABLES_STEPS_H_
