#include "latency/predict/prediction_quality.h"

#include "base/status_matchers.h"
#include "gtest/gtest.h"

namespace frostnas::latency {
namespace {

TEST(JudgeTest, ReportsErrorsRanksAndCoverage) {
  ASSERT_OK_AND_ASSIGN(const PredictionQuality quality,
                       Judge({{{110, 100, 120}, 110},
                              {{210, 205, 215}, 202},
                              {{310, 200, 420}, 410},
                              {{410, 380, 440}, 380}}));
  EXPECT_EQ(quality.networks, 4);
  EXPECT_NEAR(quality.mape, (0 + 8 / 202.0 + 100 / 410.0 + 30 / 380.0) / 4,
              1e-12);
  EXPECT_DOUBLE_EQ(quality.within_5, 0.5);
  EXPECT_DOUBLE_EQ(quality.within_10, 0.75);
  EXPECT_NEAR(quality.worst, -100 / 410.0, 1e-12);
  EXPECT_NEAR(quality.kendall_tau, 4 / 6.0, 1e-12);
  EXPECT_DOUBLE_EQ(quality.coverage, 0.75);
}

TEST(JudgeTest, NeedsNetworks) {
  EXPECT_THAT(Judge({}), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace frostnas::latency
