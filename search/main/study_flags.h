// The flags that describe a study, for every program that submits one.
//
// Declared once, with units and defaults (study_flags.cc); libraries take the
// StudySpec made from them and never see flags.
#ifndef FROSTNAS_SEARCH_MAIN_STUDY_FLAGS_H_
#define FROSTNAS_SEARCH_MAIN_STUDY_FLAGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "arch/space.h"
#include "proto/frostnas/v1/study.pb.h"

namespace frostnas::search {

// The spec that the parsed flags ask for. INVALID_ARGUMENT or NOT_FOUND names
// the flag and the remedy.
absl::StatusOr<v1::StudySpec> StudySpecFromFlags();

// --width and --input_size as given, for a network that is not a study's.
arch::SpaceOverrides ShapeOverridesFromFlags();

// Those of the flags that may be given several times (base/program.h).
const std::vector<std::string>& RepeatableStudyFlags();

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_MAIN_STUDY_FLAGS_H_
