#include "latency/latency_loss.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::latency {
namespace {

// Factors computed from the published form: beta 0.3, reference 80 ms.
TEST(MulLogLossTest, GivesTheWorkedFactors) {
  const MulLogOptions options = {.alpha = 1, .beta = 0.3, .reference = 80};
  EXPECT_NEAR(MulLogLoss(1, 60, options)->value, 0.97983, 5e-6);
  EXPECT_NEAR(MulLogLoss(1, 80, options)->value, 1, 1e-12);
  EXPECT_NEAR(MulLogLoss(1, 100, options)->value, 1.01501, 5e-6);
  EXPECT_NEAR(MulLogLoss(3, 100, options)->value, 3 * 1.01501, 2e-5);
}

TEST(MulLogLossTest, DerivativesAreThoseOfDifferences) {
  const MulLogOptions options = {.alpha = 0.2, .beta = 0.6, .reference = 80};
  const double h = 1e-5;
  const LatencyLoss loss = *MulLogLoss(2.3, 50, options);
  EXPECT_NEAR(loss.d_latency,
              (MulLogLoss(2.3, 50 + h, options)->value -
               MulLogLoss(2.3, 50 - h, options)->value) /
                  (2 * h),
              1e-9);
  EXPECT_NEAR(loss.d_cross_entropy,
              (MulLogLoss(2.3 + h, 50, options)->value -
               MulLogLoss(2.3 - h, 50, options)->value) /
                  (2 * h),
              1e-9);
}

TEST(MulLogLossTest, RefusesUnitsInWhichTheLogarithmIsNotPositive) {
  const absl::Status fast = MulLogLoss(1, 0.4, {.reference = 80}).status();
  EXPECT_EQ(fast.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(fast.message(), testing::HasSubstr("smaller unit"));
  EXPECT_FALSE(MulLogLoss(1, 60, {.reference = 1}).ok());
  EXPECT_FALSE(MulLogLoss(1, 60, {}).ok());
}

TEST(AddLinearLossTest, IsTheStraightLineThroughTheReference) {
  const AddLinearOptions options = {.lambda = 0.1, .reference = 80};
  const LatencyLoss loss = *AddLinearLoss(2, 100, options);
  EXPECT_DOUBLE_EQ(loss.value, 2.025);
  EXPECT_DOUBLE_EQ(loss.d_cross_entropy, 1);
  EXPECT_DOUBLE_EQ(loss.d_latency, 0.00125);
  EXPECT_DOUBLE_EQ(AddLinearLoss(2, 80, options)->value, 2);
  EXPECT_DOUBLE_EQ(AddLinearLoss(2, 40, options)->value, 1.95);
}

TEST(AddLinearLossTest, NeedsAReference) {
  EXPECT_EQ(AddLinearLoss(1, 60, {}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace frostnas::latency
