#include "quant/methods/learned/lsq_quantizer.h"

#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/tensor.h"

namespace frostnas::quant {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::FloatNear;
using ::testing::Gt;

// Two filters of two weights, one after the other.
constexpr FilterLayout kDense = {
    .channels = 2, .elements = 2, .stride_channel = 2, .stride_element = 1};
constexpr nn::ChannelLayout kDenseWeights = {
    .channels = 2, .count = 2, .outer = 2, .inner = 1};

TEST(LsqTest, GradientScaleIsOneOverTheRootOfCountTimesQp) {
  EXPECT_DOUBLE_EQ(LsqGradientScale(4, 4), 0.25);
  EXPECT_NEAR(LsqGradientScale(288, 127), 1 / 191.2485, 1e-7);
}

TEST(LsqTest, FirstStepIsTwiceTheMeanOverTheRootOfQp) {
  EXPECT_FLOAT_EQ(LsqFirstStep({.mean = 3, .largest = 100}, 9), 2);
  // With 127 levels that would reach 22.5 times the mean.
  EXPECT_FLOAT_EQ(LsqFirstStep({.mean = 1, .largest = 4}, 127), 4.0f / 127);
  EXPECT_EQ(LsqFirstStep({}, 127), 1);
  EXPECT_EQ(LsqFirstStep({.mean = 1e-44, .largest = 1e-44}, 127), 1);
}

// 2 bits: q in {-1, 0, 1}. Filter 0 has mean 3, so step min(6, 4) = 4; filter 1
// mean 0.375, so step 0.5.
TEST(LsqWeightsTest, RoundsAndLearnsPerChannel) {
  const std::vector<float> weights = {4, -2.5f, 0.25f, -0.5f};
  LsqWeights quantizer("a", weights, kDense, WeightGranularity::kPerChannel, 2);
  EXPECT_EQ(quantizer.parameter().name, "a.weight_step");
  EXPECT_EQ(quantizer.parameter().role, nn::ParameterRole::kQuantizer);
  EXPECT_THAT(quantizer.parameter().value, ElementsAre(4, 0.5f));
  quantizer.parameter().value = {2, 1};
  std::vector<float> quantized;
  quantizer.Quantize(kDenseWeights, weights, quantized);
  EXPECT_THAT(quantized, ElementsAre(2, -2, 0, 0));  // -0.5 to even
  std::vector<float> diff_weights(4, 100);
  quantizer.Backward(kDenseWeights, weights, {1, 10, 1, 10}, diff_weights);
  // v = 2 and -1.25 are clipped, 0.25 and -0.5 are inside.
  EXPECT_THAT(diff_weights, ElementsAre(100, 100, 101, 110));
  const float scale = 1 / std::sqrt(2.0f);
  EXPECT_THAT(quantizer.parameter().grad,
              ElementsAre(FloatEq((1 - 10) * scale),
                          FloatEq((-0.25f + 10 * 0.5f) * scale)));
}

TEST(LsqWeightsTest, OneStepATensorSumsItsChannels) {
  const std::vector<float> weights = {4, -2.5f, 0.25f, -0.5f};
  LsqWeights quantizer("a", weights, kDense, WeightGranularity::kPerTensor, 2);
  // min(2 * 7.25 / 4, 4)
  EXPECT_THAT(quantizer.scales(), ElementsAre(3.625f, 3.625f));
  quantizer.parameter().value = {1};
  std::vector<float> diff_weights(4, 0);
  quantizer.Backward(kDenseWeights, weights, {1, 10, 1, 10}, diff_weights);
  EXPECT_THAT(quantizer.parameter().grad,
              ElementsAre(FloatEq((1 - 10 - 0.25f + 5) / std::sqrt(4.0f))));
}

TEST(LsqWeightsTest, DepthwiseFiltersLieInterleaved) {
  constexpr FilterLayout layout = {
      .channels = 2, .elements = 2, .stride_channel = 1, .stride_element = 2};
  LsqWeights quantizer("a", {4, 0.25f, -2.5f, -0.5f}, layout,
                       WeightGranularity::kPerChannel, 2);
  EXPECT_THAT(quantizer.scales(), ElementsAre(4, 0.5f));
}

TEST(LsqWeightsTest, StepsStayPositive) {
  LsqWeights quantizer("a", {4, -2.5f, 0, 0}, kDense,
                       WeightGranularity::kPerChannel, 8);
  quantizer.parameter().value = {-1, 0};
  quantizer.Project();
  EXPECT_THAT(quantizer.scales(), Each(Gt(0)));
  std::vector<float> quantized, diff_weights(4, 0);
  quantizer.Quantize(kDenseWeights, {4, -2.5f, 0, 0}, quantized);
  quantizer.Backward(kDenseWeights, {4, -2.5f, 0, 0}, {1, 1, 1, 1},
                     diff_weights);
  for (const float value : quantized) EXPECT_TRUE(std::isfinite(value));
  for (const float value : quantizer.parameter().grad) {
    EXPECT_TRUE(std::isfinite(value));
  }
}

nn::Tensor TensorOf(const std::vector<float>& values) {
  nn::Tensor tensor({2, 1, static_cast<int>(values.size()) / 2, 1});
  std::copy(values.begin(), values.end(), tensor.data());
  return tensor;
}

TEST(LsqGridTest, HasNegativePointsWhereThereAreNegativeValues) {
  const LsqGrid unsigned_grid("a", {.mean = 1, .largest = 2}, false, 2);
  EXPECT_EQ(unsigned_grid.grid().zero_point, 0);
  EXPECT_EQ(unsigned_grid.grid().qmax, 3);
  EXPECT_FLOAT_EQ(unsigned_grid.grid().scale, 2.0f / 3);
  const LsqGrid signed_grid("a", {.mean = 1, .largest = 2}, true, 8);
  EXPECT_EQ(signed_grid.grid().zero_point, 128);
  EXPECT_EQ(signed_grid.grid().qmax, 255);
  EXPECT_FLOAT_EQ(signed_grid.grid().scale, 2.0f / 127);
}

// N counts the values of one image.
TEST(LsqGridTest, TakesTheGradientOfItsStep) {
  LsqGrid grid("a", {.mean = 1, .largest = 3}, false, 2);  // 0..3
  EXPECT_FLOAT_EQ(grid.grid().scale, 1);
  const nn::Tensor raw = TensorOf({0.25f, 1.75f, 5, 2.5f});
  nn::Tensor diff = TensorOf({1, 1, 1, 1});
  grid.Backward(raw, diff);
  EXPECT_THAT(diff.span(), ElementsAre(1, 1, 0, 1));
  const double by_step = -0.25 + 0.25 + 3 - 0.5;
  EXPECT_THAT(grid.parameter()->grad,
              ElementsAre(FloatNear(by_step / std::sqrt(2 * 3.0), 1e-6)));
  grid.parameter()->value[0] = -5;
  grid.Project();
  EXPECT_GT(grid.grid().scale, 0);
}

}  // namespace
}  // namespace frostnas::quant
