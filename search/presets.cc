#include "search/presets.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace frostnas::search {
namespace {

struct Row {
  const char* name;
  int float_epochs, search_epochs;
  int trials, trial_epochs, final_epochs;
  int batch, calibration_networks;
  double width;
  int train_images, test_images;
};

// smoke  ends in a minute whatever the images: everything is done once, on few
//        of them. Three networks are enough for a line.
// quick  ten minutes on 10 000 images at width 0.35. Shared weights alone stay
//        far below what a network reaches on its own, so the supernet gets four
//        epochs, enough to rank, and the finalists the most of the rest; eight
//        trials of one epoch are measured on the way there. Thirty-two
//        networks, ten seconds on the host, predict most others within 5 %.
// full   ninety minutes on 50 000 images at width 0.5, with five times the
//        steps an epoch: more epochs of supernet to rank by, twice the trials.
constexpr Row kPresets[] = {
    {"smoke", 1, 1, 3, 1, 0, 32, 4, 0.35, 1000, 500},
    {"quick", 1, 3, 8, 1, 8, 64, 32, 0.35, 10000, 0},
    {"full", 6, 24, 16, 1, 4, 64, 160, 0.5, 0, 0},
};

Preset FromRow(const Row& row) {
  Preset preset;
  preset.budget.set_preset(row.name);
  preset.budget.set_float_epochs(row.float_epochs);
  preset.budget.set_search_epochs(row.search_epochs);
  preset.budget.set_trials(row.trials);
  preset.budget.set_trial_epochs(row.trial_epochs);
  preset.budget.set_final_epochs(row.final_epochs);
  preset.budget.set_batch(row.batch);
  preset.budget.set_calibration_networks(row.calibration_networks);
  preset.width = row.width;
  preset.train_images = row.train_images;
  preset.test_images = row.test_images;
  return preset;
}

absl::Status CheckRange(absl::string_view field, int value, int low, int high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "budget.", field, " is ", value, "; it must be ", low, "..", high));
}

}  // namespace

absl::StatusOr<Preset> FindPreset(absl::string_view name) {
  for (const Row& row : kPresets) {
    if (name == row.name) return FromRow(row);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("preset: \"", name, "\" is not one of smoke, quick, full"));
}

absl::Status CheckBudget(const v1::Budget& budget) {
  constexpr int kMaxEpochs = 10000;
  RETURN_IF_ERROR(
      CheckRange("float_epochs", budget.float_epochs(), 0, kMaxEpochs));
  RETURN_IF_ERROR(
      CheckRange("search_epochs", budget.search_epochs(), 1, kMaxEpochs));
  RETURN_IF_ERROR(CheckRange("trials", budget.trials(), 1, 10000));
  RETURN_IF_ERROR(
      CheckRange("trial_epochs", budget.trial_epochs(), 0, kMaxEpochs));
  RETURN_IF_ERROR(
      CheckRange("final_epochs", budget.final_epochs(), 0, kMaxEpochs));
  RETURN_IF_ERROR(CheckRange("batch", budget.batch(), 2, 4096));
  return CheckRange("calibration_networks", budget.calibration_networks(), 0,
                    1000);
}

}  // namespace frostnas::search
