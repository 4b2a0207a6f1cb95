#include "search/presets.h"

#include "absl/strings/str_cat.h"

namespace frostnas::search {
namespace {

struct PresetRow {
  const char* name;
  int float_epochs, search_epochs, trials, trial_epochs, final_epochs;
  int calibration_networks;
  int train_images, test_images;
};

// Where the time goes was measured with `--preset quick --dataset cifar10`:
// about a third each for the supernet, the trials and the final training.
constexpr int kBatch = 64;
constexpr PresetRow kPresets[] = {
    {"smoke", 1, 1, 4, 1, 1, 4, 1500, 500},
    {"quick", 2, 8, 10, 3, 4, 8, 10000, 0},
    {"full", 5, 25, 16, 6, 10, 30, 50000, 0},
};

}  // namespace

absl::StatusOr<Preset> PresetNamed(absl::string_view name) {
  for (const PresetRow& row : kPresets) {
    if (name != row.name) continue;
    Preset preset{.train_images = row.train_images,
                  .test_images = row.test_images};
    preset.budget.set_preset(row.name);
    preset.budget.set_float_epochs(row.float_epochs);
    preset.budget.set_search_epochs(row.search_epochs);
    preset.budget.set_trials(row.trials);
    preset.budget.set_trial_epochs(row.trial_epochs);
    preset.budget.set_final_epochs(row.final_epochs);
    preset.budget.set_batch(kBatch);
    preset.budget.set_calibration_networks(row.calibration_networks);
    return preset;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--preset: \"", name, "\" is not one of smoke, quick, full"));
}

double TrialLearningRate(const v1::Budget& budget) {
  return 0.05 * budget.batch() / kBatch;
}

}  // namespace frostnas::search
