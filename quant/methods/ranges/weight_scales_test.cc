#include "quant/methods/ranges/weight_scales.h"

#include <vector>

#include "gtest/gtest.h"

namespace frostnas::quant {
namespace {

// Two output channels of four weights, O,I.
constexpr FilterLayout kDense = {
    .channels = 2, .elements = 4, .stride_channel = 4, .stride_element = 1};

TEST(WeightScalesTest, MinMaxPutsTheLargestOnTheLastPoint) {
  const std::vector<float> weights = {1, -2, 0.5f, 0, 127, 3, -254, 1};
  EXPECT_EQ(
      ChooseWeightScales(weights, kDense, WeightGranularity::kPerChannel, {}),
      (std::vector<float>{2.0f / 127, 2}));
  EXPECT_EQ(
      ChooseWeightScales(weights, kDense, WeightGranularity::kPerTensor, {}),
      (std::vector<float>{2, 2}));
}

TEST(WeightScalesTest, ReadsDepthwiseFiltersAcrossTheirChannels) {
  // H,W,C: channel 0 has 1 and 3, channel 1 has 2 and 4.
  const FilterLayout layout = {
      .channels = 2, .elements = 2, .stride_channel = 1, .stride_element = 2};
  EXPECT_EQ(ChooseWeightScales({{1, 2, 3, 4}}, layout,
                               WeightGranularity::kPerChannel, {}),
            (std::vector<float>{3.0f / 127, 4.0f / 127}));
}

TEST(WeightScalesTest, PercentileInterpolatesBetweenNeighbours) {
  // Of 0, 1, 2, 10 the 90th is at position 2.7: 2 + 0.7 * 8 = 7.6.
  const FilterLayout one = {
      .channels = 1, .elements = 4, .stride_channel = 4, .stride_element = 1};
  const std::vector<float> scales = ChooseWeightScales(
      {{0, -2, 10, 1}}, one, WeightGranularity::kPerChannel,
      {.method = RangeMethod::kPercentile, .percentile = 90});
  EXPECT_FLOAT_EQ(scales[0], 7.6f / 127);
}

// 2 bits: points -s, 0, s. For 100 weights of 1 and one of 1.6: min-max
// s = 1.6 errs 100 * 0.36 = 36; s = 1.6 * 0.63 = 1.008 errs
// 100 * 0.008^2 + 0.592^2 = 0.357; 0.62 gives 0.992 and 0.376.
TEST(WeightScalesTest, MseTakesTheLeastSquaredError) {
  std::vector<float> weights(100, 1.0f);
  weights.push_back(1.6f);
  const FilterLayout one = {.channels = 1,
                            .elements = 101,
                            .stride_channel = 101,
                            .stride_element = 1};
  const std::vector<float> scales =
      ChooseWeightScales(weights, one, WeightGranularity::kPerChannel,
                         {.method = RangeMethod::kMse, .bits = 2});
  EXPECT_FLOAT_EQ(scales[0], 1.6f * 0.63f);
}

TEST(WeightScalesTest, WeightsThatAreZeroOrTinyGetScaleOne) {
  for (const RangeMethod method :
       {RangeMethod::kMinMax, RangeMethod::kPercentile, RangeMethod::kMse,
        RangeMethod::kKl}) {
    EXPECT_EQ(
        ChooseWeightScales({{0, 0, 0, 0, 1e-45f, 0, 0, 0}}, kDense,
                           WeightGranularity::kPerChannel, {.method = method}),
        (std::vector<float>{1, 1}));
  }
}

}  // namespace
}  // namespace frostnas::quant
