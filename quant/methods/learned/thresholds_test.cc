#include "quant/methods/learned/thresholds.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/tensor.h"
#include "quant/grid.h"

namespace frostnas::quant {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::FloatNear;

constexpr nn::ChannelLayout kLayout = {
    .channels = 2, .count = 2, .outer = 2, .inner = 1};

// 3 bits: q_max 3, thresholds 3 and 6.
TEST(WeightThresholdsTest, ScaleTheirFiltersAndLeaveWeightsAlone) {
  WeightThresholds thresholds("a", {1, 2}, WeightGranularity::kPerChannel, 3);
  thresholds.parameter().value = {0.5f, 1};
  EXPECT_THAT(thresholds.scales(), ElementsAre(0.5f, 2));
  const std::vector<float> weights = {3, 0.6f, 5, -0.5f};
  std::vector<float> quantized;
  thresholds.Quantize(kLayout, weights, quantized);
  EXPECT_THAT(quantized, ElementsAre(1.5f, 0.5f, 4, 0));
  std::vector<float> diff_weights(4, 7);
  thresholds.Backward(kLayout, weights, {1, 10, 1, 10}, diff_weights);
  EXPECT_THAT(diff_weights, ElementsAre(7, 7, 7, 7));
  // d scale / d factor is 1 and 2; v = 6, 1.2 and 2.5, -0.25.
  EXPECT_THAT(thresholds.parameter().grad,
              ElementsAre(FloatNear(3 - 10 * 0.2f, 1e-5),
                          FloatNear(2 * (-0.5f + 10 * 0.25f), 1e-5)));
}

TEST(WeightThresholdsTest, OneFactorATensor) {
  WeightThresholds thresholds("a", {2, 2}, WeightGranularity::kPerTensor, 3);
  EXPECT_THAT(thresholds.parameter().value, ElementsAre(1));
  thresholds.parameter().value = {0.5f};
  EXPECT_THAT(thresholds.scales(), ElementsAre(1, 1));
}

TEST(WeightThresholdsTest, FactorsStayInTheirBounds) {
  WeightThresholds thresholds("a", {1, 2}, WeightGranularity::kPerChannel, 8);
  thresholds.parameter().value = {1.2f, 0.1f};
  thresholds.Project();
  EXPECT_THAT(thresholds.parameter().value, ElementsAre(1, 0.5f));
}

TEST(SymmetricThresholdTest, UsesSignsWhereThereAreSome) {
  const SymmetricThreshold both("a", {-2, 1}, 8);
  EXPECT_FLOAT_EQ(both.grid().scale, 2.0f / 127);
  EXPECT_EQ(both.grid().zero_point, 128);
  EXPECT_EQ(both.grid().qmin, 1);  // -127
  EXPECT_EQ(both.grid().qmax, 255);
  const SymmetricThreshold positive("a", {0, 3}, 8);
  EXPECT_FLOAT_EQ(positive.grid().scale, 3.0f / 255);
  EXPECT_EQ(positive.grid().zero_point, 0);
  EXPECT_EQ(positive.grid().qmin, 0);
  EXPECT_EQ(positive.grid().qmax, 255);
  const SymmetricThreshold nothing("a", {0, 0}, 8);
  EXPECT_GT(nothing.grid().scale, 0);
}

TEST(AsymmetricThresholdTest, StartsAsMinMaxBitForBit) {
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    const Range range = {static_cast<float>(std::min(0.0, random.Normal())),
                         static_cast<float>(std::abs(random.Normal()))};
    const AsymmetricThreshold threshold("a", range, 8);
    const nn::AffineGrid wanted = ChooseGrid(range.min, range.max, 8);
    EXPECT_EQ(threshold.grid().scale, wanted.scale);
    EXPECT_EQ(threshold.grid().zero_point, wanted.zero_point);
  }
}

// Width 10, factor 0.5, shift 0.1: [-3, 2]. Scale 5 / 255, zero point 153.
TEST(AsymmetricThresholdTest, ShiftsAndNarrows) {
  AsymmetricThreshold threshold("a", {-4, 6}, 8);
  threshold.parameter()->value = {0.5f, 0.1f};
  EXPECT_FLOAT_EQ(threshold.grid().scale, 5.0f / 255);
  EXPECT_EQ(threshold.grid().zero_point, 153);
}

TEST(AsymmetricThresholdTest, FactorsStayInTheirBounds) {
  AsymmetricThreshold both("a", {-4, 6}, 8);
  both.parameter()->value = {0.2f, -0.5f};
  both.Project();
  EXPECT_THAT(both.parameter()->value, ElementsAre(0.5f, -0.2f));
  both.parameter()->value = {3, 3};
  both.Project();
  EXPECT_THAT(both.parameter()->value, ElementsAre(1, 0.4f));
  AsymmetricThreshold positive("a", {0, 6}, 8);
  positive.parameter()->value = {0.7f, -0.1f};
  positive.Project();
  EXPECT_THAT(positive.parameter()->value, ElementsAre(0.7f, 0));
}

TEST(AsymmetricThresholdTest, EveryFactorGivesAUsableGrid) {
  for (const Range range : {Range{-4, 0}, Range{-1, 0.1f}, Range{0, 0},
                            Range{0, 1e-30f}, Range{-1e30f, 1e30f}}) {
    for (const float factor : {0.5f, 1.0f}) {
      for (const float shift : {-0.2f, 0.0f, 0.4f}) {
        AsymmetricThreshold threshold("a", range, 8);
        threshold.parameter()->value = {factor, shift};
        threshold.Project();
        const nn::AffineGrid grid = threshold.grid();
        EXPECT_TRUE(grid.scale > 0 && std::isfinite(grid.scale));
        EXPECT_GE(grid.zero_point, 0);
        EXPECT_LE(grid.zero_point, 255);
      }
    }
  }
}

// A grid in real numbers, its roundings' remainders held.
struct SmoothGrid {
  double scale = 1, zero_point = 0;
  int qmin = 0, qmax = 255;
};

// The sum of weight * quantized x, where rounding adds the remainder it has at
// `held` and clipping happens where it does there.
double SmoothSum(const nn::Tensor& raw, const nn::Tensor& weight,
                 const nn::AffineGrid& held, const SmoothGrid& grid) {
  double sum = 0;
  for (int64_t i = 0; i < raw.elements(); ++i) {
    const double x = raw.data()[i];
    const double v = x / held.scale;
    const double q = std::nearbyint(v) + held.zero_point;
    double quantized = x + grid.scale * (std::nearbyint(v) - v);
    if (q < held.qmin) quantized = grid.scale * (grid.qmin - grid.zero_point);
    if (q > held.qmax) quantized = grid.scale * (grid.qmax - grid.zero_point);
    sum += weight.data()[i] * quantized;
  }
  return sum;
}

nn::Tensor RandomTensor(uint64_t seed, double deviation) {
  Random random(seed);
  nn::Tensor tensor({2, 4, 4, 8});
  for (float& value : tensor.span()) {
    value = static_cast<float>(deviation * random.Normal());
  }
  return tensor;
}

TEST(SymmetricThresholdTest, GradientIsTheSmoothPartsDifference) {
  for (const Range range : {Range{-3, 2}, Range{0, 2}}) {
    SymmetricThreshold threshold("a", range, 4);
    threshold.parameter()->value[0] = 0.8f;
    const nn::Tensor raw = RandomTensor(1, 2);
    const nn::Tensor weight = RandomTensor(2, 1);
    nn::Tensor diff = weight.Clone();
    threshold.Backward(raw, diff);
    const nn::AffineGrid held = threshold.grid();
    const auto at = [&](double factor) {
      const double largest = std::max(-range.min, range.max);
      const int steps = range.min < 0 ? 7 : 15;
      return SmoothSum(raw, weight, held,
                       {.scale = factor * largest / steps,
                        .zero_point = static_cast<double>(held.zero_point),
                        .qmin = held.qmin,
                        .qmax = held.qmax});
    };
    const double numeric = (at(0.81) - at(0.79)) / 0.02;
    EXPECT_NEAR(threshold.parameter()->grad[0], numeric,
                1e-3 * (1 + std::abs(numeric)));
  }
}

TEST(AsymmetricThresholdTest, GradientsAreTheSmoothPartsDifferences) {
  // The second starts at zero, the third ends there: those ends do not move.
  for (const Range range : {Range{-3, 2}, Range{0, 2.5f}, Range{-3, 0}}) {
    AsymmetricThreshold threshold("a", range, 4);
    threshold.parameter()->value = {0.8f, 0.05f};
    const nn::Tensor raw = RandomTensor(3, 2);
    const nn::Tensor weight = RandomTensor(4, 1);
    nn::Tensor diff = weight.Clone();
    threshold.Backward(raw, diff);
    const nn::AffineGrid held = threshold.grid();
    const double width = double{range.max} - range.min;
    // Of the zero point's rounding.
    double remainder = 0;
    const auto grid_at = [&](double factor, double shift) {
      const double low = std::min(range.min + shift * width, 0.0);
      const double high =
          std::max(range.max + (shift + factor - 1) * width, 0.0);
      const double scale = (high - low) / 15;
      return SmoothGrid{scale, -low / scale + remainder, 0, 15};
    };
    remainder = held.zero_point - grid_at(0.8, 0.05).zero_point;
    const auto at = [&](double factor, double shift) {
      return SmoothSum(raw, weight, held, grid_at(factor, shift));
    };
    const double by_factor = (at(0.801, 0.05) - at(0.799, 0.05)) / 0.002;
    const double by_shift = (at(0.8, 0.051) - at(0.8, 0.049)) / 0.002;
    EXPECT_NEAR(threshold.parameter()->grad[0], by_factor,
                2e-3 * (1 + std::abs(by_factor)));
    EXPECT_NEAR(threshold.parameter()->grad[1], by_shift,
                2e-3 * (1 + std::abs(by_shift)));
  }
}

// Range [0, 3], 2 bits, factor 1: scale 1. 5 is clipped to the end, whose
// derivative by the factor is the width.
TEST(AsymmetricThresholdTest, GradientsByHand) {
  AsymmetricThreshold threshold("a", {0, 3}, 2);
  nn::Tensor raw({1, 1, 3, 1}), diff({1, 1, 3, 1});
  const float values[] = {0.75f, 5, 2};
  const float gradients[] = {4, 1, 1};
  std::copy_n(values, 3, raw.data());
  std::copy_n(gradients, 3, diff.data());
  threshold.Backward(raw, diff);
  EXPECT_THAT(diff.span(), ElementsAre(4, 0, 1));
  // 3 * (1 + 4 * 0.25 / 3), and the same by the shift, as the low end stays.
  EXPECT_THAT(threshold.parameter()->grad, ElementsAre(FloatEq(4), FloatEq(4)));
}

}  // namespace
}  // namespace frostnas::quant
