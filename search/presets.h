// How much work a study does: the presets and what engines read from a budget.
//
// Budgets are for 2 cores and images of 32 x 32 pixels. Thread-safe: no state.
#ifndef FROSTNAS_SEARCH_PRESETS_H_
#define FROSTNAS_SEARCH_PRESETS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/frostnas/v1/study.pb.h"

namespace frostnas::search {

// A budget with defaults of the study that go with it.
struct Preset {
  v1::Budget budget;
  // Width of the space unless the user gives one.
  double width = 0;
  // Training and test images unless the user says; 0: all.
  int train_images = 0;
  int test_images = 0;
};

// "smoke", "quick" or "full". INVALID_ARGUMENT lists them.
absl::StatusOr<Preset> FindPreset(absl::string_view name);

// INVALID_ARGUMENT naming the field: a budget no study can run with.
absl::Status CheckBudget(const v1::Budget& budget);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_PRESETS_H_
