#include "quant/methods/learned/rounding_gradient.h"

#include <algorithm>
#include <vector>

#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/threads.h"

namespace frostnas::quant {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;

constexpr Steps kSigned = {.low = -128, .high = 127};

TEST(StepGradientTest, IsTheRemainderInsideAndTheBoundOutside) {
  EXPECT_THAT(StepGradient(1.3f, kSigned), FloatNear(-0.3f, 1e-6));
  EXPECT_THAT(StepGradient(-1.3f, kSigned), FloatNear(0.3f, 1e-6));
  EXPECT_THAT(StepGradient(2.75f, kSigned), FloatNear(0.25f, 1e-6));
  EXPECT_EQ(StepGradient(200, kSigned), 127);
  EXPECT_EQ(StepGradient(-200, kSigned), -128);
  EXPECT_EQ(StepGradient(1e30f, kSigned), 127);
}

TEST(StepGradientTest, InsideReachesHalfAStepFurtherWhereClippingComesLater) {
  const Steps later = {.low = -127, .high = 127, .margin = kRoundThenClip};
  EXPECT_EQ(PassedGradient(127.3f, kSigned), 0);
  EXPECT_EQ(PassedGradient(127.3f, later), 1);
  EXPECT_EQ(PassedGradient(127.6f, later), 0);
  EXPECT_THAT(StepGradient(127.3f, later), FloatNear(-0.3f, 1e-4));
  EXPECT_EQ(StepGradient(127.6f, later), 127);
}

TEST(RoundStepTest, RoundsHalfToEven) {
  EXPECT_EQ(RoundStep(0.5f), 0);
  EXPECT_EQ(RoundStep(1.5f), 2);
  EXPECT_EQ(RoundStep(-2.5f), -2);
  EXPECT_EQ(RoundStep(-1.5f), -2);
}

nn::Tensor TensorOf(const std::vector<float>& values) {
  nn::Tensor tensor({1, 1, static_cast<int>(values.size()), 1});
  std::copy(values.begin(), values.end(), tensor.data());
  return tensor;
}

// Scale 0.5, integers -1..3: v = -4, -0.6, 2.6, 3, 8.
TEST(TakeGradientTest, SumsByWhereAValueLies) {
  const Steps steps = {.low = -1, .high = 3};
  const nn::Tensor raw = TensorOf({-2, -0.3f, 1.3f, 1.5f, 4});
  nn::Tensor diff = TensorOf({1, 10, 100, 1000, 10000});
  const GradientSums sums = TakeGradient(raw, 0.5f, steps, diff);
  EXPECT_THAT(diff.span(), ElementsAre(0, 10, 100, 0, 0));
  EXPECT_EQ(sums.below, 1);
  EXPECT_EQ(sums.above, 11000);
  // 10 * (-1 + 0.6) + 100 * (3 - 2.6)
  EXPECT_NEAR(sums.residual, -4 + 40, 1e-4);
  EXPECT_NEAR(sums.ByScale(steps), 36 - 1 + 33000, 1e-3);
}

TEST(TakeGradientTest, LargeTensorsAreSummedOnAllThreads) {
  nn::SetComputeThreads(2);
  Random random(1);
  nn::Tensor raw({3, 64, 64, 16});
  for (float& value : raw.span()) value = static_cast<float>(random.Normal());
  nn::Tensor diff(raw.shape());
  for (float& value : diff.span()) value = static_cast<float>(random.Normal());
  const Steps steps = {.low = -7, .high = 7, .margin = kRoundThenClip};
  double residual = 0, below = 0, above = 0;
  for (int64_t i = 0; i < raw.elements(); ++i) {
    const double g = diff.data()[i];
    const float v = raw.data()[i] / 0.2f;
    if (PassedGradient(v, steps) > 0) {
      residual += g * StepGradient(v, steps);
    } else {
      (v < 0 ? below : above) += g;
    }
  }
  const GradientSums sums = TakeGradient(raw, 0.2f, steps, diff);
  EXPECT_NEAR(sums.residual, residual, 1e-2);
  EXPECT_NEAR(sums.below, below, 1e-2);
  EXPECT_NEAR(sums.above, above, 1e-2);
}

}  // namespace
}  // namespace frostnas::quant
