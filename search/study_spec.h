// What a study's spec must be. Checked where it enters: by programs before they
// submit, by the server before it stores.
#ifndef FROSTNAS_SEARCH_STUDY_SPEC_H_
#define FROSTNAS_SEARCH_STUDY_SPEC_H_

#include "absl/status/status.h"
#include "proto/frostnas/v1/study.pb.h"

namespace frostnas::search {

// INVALID_ARGUMENT names the field ("spec.budget.trials: ...").
absl::Status ValidateStudySpec(const v1::StudySpec& spec);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_STUDY_SPEC_H_
