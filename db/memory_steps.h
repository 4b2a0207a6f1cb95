// What a MemoryStore's methods do to studies and trials. Compare
// db/tables/steps.h. Thread-compatible.
#ifndef FROSTNAS_DB_MEMORY_STEPS_H_
#define FROSTNAS_DB_MEMORY_STEPS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "db/memory_state.h"
#include "db/records.h"
#include "proto/frostnas/v1/study_service.pb.h"

namespace frostnas::db {

// As Store::CreateStudy, CommitStep, RequestCancel, ListReferencedBlobs.
absl::StatusOr<v1::Study> AddStudy(MemoryState& state,
                                   absl::string_view request_id,
                                   const v1::StudySpec& spec);
absl::StatusOr<StepResult> ApplyStep(MemoryState& state,
                                     absl::string_view study_id,
                                     const StudyStep& step);
absl::StatusOr<v1::Study> CancelStudy(MemoryState& state,
                                      absl::string_view study_id);
std::vector<std::string> BlobsNamedIn(const MemoryState& state);

// NOT_FOUND.
absl::StatusOr<v1::Trial*> FindTrial(MemoryStudy* study, int trial_id);

v1::WorkerStatus StatusOf(const MemoryState& state, const MemoryWorker& worker);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_MEMORY_STEPS_H_
