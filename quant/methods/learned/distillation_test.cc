#include "quant/methods/learned/distillation.h"

#include <algorithm>
#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/testing/gradient_check.h"

namespace frostnas::quant {
namespace {

using ::testing::Each;

nn::Tensor Logits(std::initializer_list<float> values) {
  nn::Tensor tensor({2, 1, 1, static_cast<int>(values.size()) / 2});
  std::copy(values.begin(), values.end(), tensor.data());
  return tensor;
}

// Differences 3, 0, -4, 0.
TEST(LogitRmseTest, IsTheRootMeanSquare) {
  const nn::Tensor logits = Logits({4, 2, -3, 5});
  const nn::Tensor teacher = Logits({1, 2, 1, 5});
  nn::Tensor diff;
  EXPECT_NEAR(LogitRmse(logits, teacher, diff), std::sqrt(25.0 / 4 + 1e-5),
              1e-6);
  // difference / (count * loss)
  EXPECT_NEAR(diff.data()[0], 0.3, 1e-5);
  EXPECT_NEAR(diff.data()[2], -0.4, 1e-5);
  EXPECT_EQ(diff.data()[1], 0);
}

TEST(LogitRmseTest, GradientAgreesWithDifferences) {
  nn::Tensor logits = Logits({4, 2, -3, 5, 0.5f, 1});
  const nn::Tensor teacher = Logits({1, 2.5f, 1, 5.25f, 0, 0});
  nn::Tensor diff, unused;
  LogitRmse(logits, teacher, diff);
  EXPECT_TRUE(
      nn::CheckGradients([&] { return LogitRmse(logits, teacher, unused); },
                         {{"logits", logits.span(), diff.span()}}));
}

TEST(LogitRmseTest, EqualLogitsHaveNoGradient) {
  const nn::Tensor logits = Logits({4, 2, -3, 5});
  nn::Tensor diff;
  EXPECT_NEAR(LogitRmse(logits, logits, diff), std::sqrt(1e-5), 1e-9);
  EXPECT_THAT(diff.span(), Each(0));
}

}  // namespace
}  // namespace frostnas::quant
