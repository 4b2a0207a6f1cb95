#include "nn/testing/gradient_check.h"

#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::nn {
namespace {

using ::testing::HasSubstr;

// f(x) = x0^2 + 3 x1, so the gradient at (2, 5) is (4, 3).
double Function(const std::vector<float>& x) {
  return double{x[0]} * x[0] + 3.0 * x[1];
}

TEST(GradientCheckTest, AcceptsTheGradient) {
  std::vector<float> x = {2, 5};
  const std::vector<float> gradient = {4, 3};
  EXPECT_TRUE(CheckGradients([&] { return Function(x); },
                             {{"x", absl::MakeSpan(x), gradient}}));
  EXPECT_EQ(x, std::vector<float>({2, 5}));  // put back
}

TEST(GradientCheckTest, ExplainsAWrongElement) {
  std::vector<float> x = {2, 5};
  const std::vector<float> gradient = {4, 2.5};
  const testing::AssertionResult result = CheckGradients(
      [&] { return Function(x); }, {{"weights", absl::MakeSpan(x), gradient}});
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message(), HasSubstr("weights[1] (value 5)"));
  EXPECT_THAT(result.message(), HasSubstr("analytic 2.5, numeric 3"));
}

TEST(GradientCheckTest, RejectsAGradientOfAnotherSize) {
  std::vector<float> x = {2, 5};
  const std::vector<float> gradient = {4};
  const testing::AssertionResult result = CheckGradients(
      [&] { return Function(x); }, {{"x", absl::MakeSpan(x), gradient}});
  EXPECT_THAT(result.message(), HasSubstr("2 values but 1 gradients"));
}

TEST(GradientCheckTest, SkipsKinksButNotTooMany) {
  // |x| at 0.001: the slopes over 0.01 are -0.8 below and 1 above.
  std::vector<float> x = {0.001f, 5};
  const std::vector<float> gradient = {1, 1};
  const auto function = [&] {
    return std::abs(double{x[0]}) + std::abs(double{x[1]});
  };
  const std::vector<CheckedTensor> tensors = {
      {"x", absl::MakeSpan(x), gradient}};
  EXPECT_TRUE(CheckGradients(function, tensors, {.max_kinks = 0.5}));
  const testing::AssertionResult strict =
      CheckGradients(function, tensors, {.max_kinks = 0.4});
  EXPECT_THAT(strict.message(), HasSubstr("1 of 2 elements lie at kinks"));
}

TEST(GradientCheckTest, NothingToCheckIsAFailure) {
  EXPECT_FALSE(CheckGradients([] { return 0.0; }, {}));
}

}  // namespace
}  // namespace frostnas::nn
