#include "latency/calibrate.h"

#include <limits>
#include <vector>

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::latency {
namespace {

TEST(FitCalibrationTest, FindsTheLine) {
  std::vector<NetworkPair> networks;
  for (double sum : {1e5, 2e5, 3e5, 5e5}) {
    networks.push_back({sum, 1.1 * sum + 2e4});
  }
  ASSERT_OK_AND_ASSIGN(const v1::Calibration fit, FitCalibration(networks));
  EXPECT_NEAR(fit.slope(), 1.1, 1e-9);
  EXPECT_NEAR(fit.intercept_ns(), 2e4, 1e-3);
  EXPECT_EQ(fit.networks(), 4);
  EXPECT_NEAR(fit.mape(), 0, 1e-9);
}

TEST(FitCalibrationTest, IsNotMovedByOneBadMeasurement) {
  std::vector<NetworkPair> networks;
  for (double sum : {1e5, 2e5, 3e5, 4e5, 5e5}) networks.push_back({sum, sum});
  networks[2].measured_ns *= 1.8;
  ASSERT_OK_AND_ASSIGN(const v1::Calibration fit, FitCalibration(networks));
  EXPECT_NEAR(fit.slope(), 1, 1e-9);
  EXPECT_NEAR(fit.intercept_ns(), 0, 1e-3);
  EXPECT_NEAR(fit.mape(), 0.8 / 1.8 / 5, 1e-9);
}

TEST(FitCalibrationTest, TakesTheRatioOfOneNetwork) {
  ASSERT_OK_AND_ASSIGN(const v1::Calibration fit,
                       FitCalibration({{2e5, 2.4e5}}));
  EXPECT_DOUBLE_EQ(fit.slope(), 1.2);
  EXPECT_EQ(fit.intercept_ns(), 0);
  EXPECT_EQ(fit.networks(), 1);
}

TEST(FitCalibrationTest, TakesTheRatioWhereSumsAreTooClose) {
  // A line through these would have slope 5.
  ASSERT_OK_AND_ASSIGN(const v1::Calibration fit,
                       FitCalibration({{2e5, 2e5}, {2.02e5, 2.1e5}}));
  EXPECT_NEAR(fit.slope(), (1 + 2.1 / 2.02) / 2, 1e-9);
  EXPECT_EQ(fit.intercept_ns(), 0);
}

TEST(FitCalibrationTest, TakesTheRatioWhereTheLineFalls) {
  ASSERT_OK_AND_ASSIGN(const v1::Calibration fit,
                       FitCalibration({{1e5, 3e5}, {2e5, 2e5}}));
  EXPECT_DOUBLE_EQ(fit.slope(), 2);
  EXPECT_EQ(fit.intercept_ns(), 0);
}

TEST(FitCalibrationTest, RefusesWhatIsNotALatency) {
  EXPECT_THAT(FitCalibration({}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FitCalibration({{1, 1}, {1e5, 0}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::HasSubstr("network 1")));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(FitCalibration({{nan, 1}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(EvaluateCalibrationTest, ReportsErrorsAndRanks) {
  v1::Calibration calibration;
  calibration.set_slope(2);
  calibration.set_intercept_ns(10);
  // Predictions 110, 210, 310, 410.
  ASSERT_OK_AND_ASSIGN(
      const PredictionQuality quality,
      EvaluateCalibration(calibration,
                          {{50, 110}, {100, 202}, {150, 410}, {200, 380}}));
  EXPECT_EQ(quality.networks, 4);
  EXPECT_NEAR(quality.mape, (0 + 8 / 202.0 + 100 / 410.0 + 30 / 380.0) / 4,
              1e-12);
  EXPECT_DOUBLE_EQ(quality.within_5, 0.5);
  EXPECT_DOUBLE_EQ(quality.within_10, 0.75);
  EXPECT_NEAR(quality.worst, -100 / 410.0, 1e-12);
  EXPECT_EQ(quality.worst_network, 2);
  EXPECT_NEAR(quality.kendall_tau, 4 / 6.0, 1e-12);
}

}  // namespace
}  // namespace frostnas::latency
