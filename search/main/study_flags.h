// The flags that describe a study, for every program that submits one.
//
// Declared once, with units and defaults (study_flags.cc); libraries take the
// StudySpec made from them and never see flags.
#ifndef FROSTNAS_SEARCH_MAIN_STUDY_FLAGS_H_
#define FROSTNAS_SEARCH_MAIN_STUDY_FLAGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/frostnas/v1/study.pb.h"

namespace frostnas::search {

// The spec that the parsed flags ask for. INVALID_ARGUMENT or NOT_FOUND names
// the flag and the remedy.
absl::StatusOr<v1::StudySpec> StudySpecFromFlags();

// Joins the values of flags that may be given several times (--device a
// --device b) to one comma list, which is what the parser takes. Arguments
// after "--" stay as they are.
std::vector<std::string> MergeRepeatedFlags(
    const std::vector<std::string>& arguments);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_MAIN_STUDY_FLAGS_H_
