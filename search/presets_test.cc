#include "search/presets.h"

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::search {
namespace {

using ::testing::HasSubstr;

TEST(PresetsTest, EveryPresetIsABudgetAStudyRunsWith) {
  for (const char* name : {"smoke", "quick", "full"}) {
    ASSERT_OK_AND_ASSIGN(const Preset preset, FindPreset(name));
    EXPECT_EQ(preset.budget.preset(), name);
    EXPECT_OK(CheckBudget(preset.budget));
    EXPECT_GT(preset.width, 0);
    // The architecture split, a tenth, must hold a batch.
    if (preset.train_images > 0) {
      EXPECT_GE(preset.train_images / 10, preset.budget.batch());
    }
  }
}

TEST(PresetsTest, QuickMeasuresAtLeastEightTrials) {
  EXPECT_GE(FindPreset("quick")->budget.trials(), 8);
}

TEST(PresetsTest, ListsThePresetsForAnotherName) {
  EXPECT_THAT(FindPreset("fast"), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("smoke, quick, full")));
}

TEST(PresetsTest, NamesTheFieldThatIsOutOfRange) {
  v1::Budget budget = FindPreset("smoke")->budget;
  budget.set_trials(0);
  EXPECT_THAT(CheckBudget(budget), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr("budget.trials is 0")));
}

}  // namespace
}  // namespace frostnas::search
