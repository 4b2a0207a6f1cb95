// How much work a study does, by preset: smoke proves that everything works,
// quick gives a usable front, full is for results. Sized for two cores.
#ifndef FROSTNAS_SEARCH_PRESETS_H_
#define FROSTNAS_SEARCH_PRESETS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/frostnas/v1/study.pb.h"

namespace frostnas::search {

struct Preset {
  v1::Budget budget;
  // Used where the user does not say; 0: all there are.
  int train_images = 0;
  int test_images = 0;
};

// INVALID_ARGUMENT: not smoke, quick or full.
absl::StatusOr<Preset> PresetNamed(absl::string_view name);

// Peak learning rate of a trial's quantization-aware epochs, which start from
// trained weights.
double TrialLearningRate(const v1::Budget& budget);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_PRESETS_H_
