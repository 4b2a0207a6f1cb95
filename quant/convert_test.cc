// Folding, by hand.
#include "quant/convert.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::quant {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr ChannelGrids kGrids = {
    .weight_bits = 8, .src_scale = 0.5f, .dst_scale = 0.25f};

TEST(ConvertChannelTest, QuantizesToTheLargestWeight) {
  const std::vector<float> weights = {1.27f, -0.635f, 0.013f, 0};
  const IntegerChannel channel =
      ConvertChannel({.weights = weights, .bias = 0.1}, kGrids);
  EXPECT_THAT(channel.weights, ElementsAre(127, -64, 1, 0));  // -63.5 is a tie
  EXPECT_FLOAT_EQ(channel.scale, 0.01f);
  EXPECT_EQ(channel.bias, 20);  // 0.1 / (0.5 * 0.01)
}

TEST(ConvertChannelTest, FactorScalesTheGridAndKeepsTheIntegers) {
  const std::vector<float> weights = {1.27f, -0.3f};
  const IntegerChannel channel =
      ConvertChannel({.weights = weights, .factor = 3, .bias = 0.3}, kGrids);
  EXPECT_THAT(channel.weights, ElementsAre(127, -30));
  EXPECT_FLOAT_EQ(channel.scale, 0.03f);
  EXPECT_EQ(channel.bias, 20);
}

TEST(ConvertChannelTest, NegativeFactorFlipsTheSigns) {
  const std::vector<float> weights = {1.27f, -0.3f};
  const IntegerChannel channel =
      ConvertChannel({.weights = weights, .factor = -3, .bias = -0.3}, kGrids);
  EXPECT_THAT(channel.weights, ElementsAre(-127, 30));
  EXPECT_FLOAT_EQ(channel.scale, 0.03f);
  EXPECT_EQ(channel.bias, -20);
}

TEST(ConvertChannelTest, FewerBitsUseFewerIntegers) {
  const std::vector<float> weights = {0.7f, -0.7f, 0.26f};
  ChannelGrids grids = kGrids;
  grids.weight_bits = 4;
  const IntegerChannel channel = ConvertChannel({.weights = weights}, grids);
  EXPECT_THAT(channel.weights, ElementsAre(7, -7, 3));
}

// The output must still be the bias.
TEST(ConvertChannelTest, ChannelsWithoutWeightsKeepTheirBias) {
  const std::vector<float> weights = {0.5f, -0.2f};
  const std::vector<float> zeros = {0, 0};
  for (const FloatChannel& channel :
       {FloatChannel{.weights = weights, .factor = 0, .bias = 0.75},
        FloatChannel{.weights = zeros, .factor = 1, .bias = 0.75},
        FloatChannel{.weights = weights, .factor = 1e-20, .bias = 0.75}}) {
    const IntegerChannel converted = ConvertChannel(channel, kGrids);
    EXPECT_THAT(converted.weights, Each(0));
    EXPECT_NEAR(converted.bias * 0.5 * converted.scale, 0.75, 1e-6);
  }
}

TEST(ConvertChannelTest, AllZeroChannelHasAUsableScale) {
  const std::vector<float> zeros = {0, 0};
  const IntegerChannel channel =
      ConvertChannel({.weights = zeros, .factor = 0, .bias = 0}, kGrids);
  EXPECT_TRUE(std::isnormal(channel.scale));
  EXPECT_GT(channel.scale, 0);
  EXPECT_EQ(channel.bias, 0);
}

// A small gamma with a large bias: the scale grows so that the bias fits, and
// the weights shrink with it.
TEST(ConvertChannelTest, LargeBiasStaysExactAndWeightsFollow) {
  const std::vector<float> weights = {1.27f, -0.6f};
  const IntegerChannel channel =
      ConvertChannel({.weights = weights, .factor = 1e-5, .bias = 2.0}, kGrids);
  EXPECT_LE(std::abs(channel.bias), 1 << 23);
  EXPECT_NEAR(channel.bias * 0.5 * channel.scale, 2.0, 1e-6);
  // weight * factor, within half a unit of the larger scale.
  for (size_t i = 0; i < weights.size(); ++i) {
    EXPECT_NEAR(channel.weights[i] * channel.scale, weights[i] * 1e-5,
                0.51 * channel.scale);
  }
}

constexpr nn::AffineGrid kGrid = {.scale = 0.5f, .zero_point = 100};

TEST(NormedRangeTest, APositiveFactorBoundsFromBelow) {
  const StoredRange range = NormedRange(2, -1.5, v1::ACTIVATION_RELU, kGrid);
  EXPECT_EQ(range.low, 97);  // -1.5 / 0.5 + 100
  EXPECT_EQ(range.high, 255);
}

TEST(NormedRangeTest, ANegativeFactorBoundsFromAbove) {
  const StoredRange range = NormedRange(-2, 1.5, v1::ACTIVATION_RELU, kGrid);
  EXPECT_EQ(range.low, 0);
  EXPECT_EQ(range.high, 103);
}

TEST(NormedRangeTest, Relu6BoundsBothSides) {
  StoredRange range = NormedRange(2, -1.5, v1::ACTIVATION_RELU6, kGrid);
  EXPECT_EQ(range.low, 97);
  EXPECT_EQ(range.high, 121);  // (6 * 2 - 1.5) / 0.5 + 100
  range = NormedRange(-2, 1.5, v1::ACTIVATION_RELU6, kGrid);
  EXPECT_EQ(range.low, 79);
  EXPECT_EQ(range.high, 103);
}

TEST(NormedRangeTest, BoundsLieOnTheGrid) {
  nn::AffineGrid grid = kGrid;
  grid.qmin = 99;
  grid.qmax = 114;
  StoredRange range = NormedRange(1, -50, v1::ACTIVATION_RELU, grid);
  EXPECT_EQ(range.low, 99);
  EXPECT_EQ(range.high, 114);
  range = NormedRange(1, 50, v1::ACTIVATION_RELU, grid);
  EXPECT_EQ(range.low, 114);
  EXPECT_EQ(range.high, 114);
  range = NormedRange(-1, 50, v1::ACTIVATION_NONE, grid);
  EXPECT_EQ(range.low, 99);
  EXPECT_EQ(range.high, 114);
}

}  // namespace
}  // namespace frostnas::quant
