#include "quant/methods/fixed_point/fixed_point.h"

#include <vector>

#include "arch/graph.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "quant/grid.h"

namespace frostnas::quant {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

TEST(FixedPointTest, FewerBitsOfTheSameRangeHaveCoarserSteps) {
  EXPECT_EQ(WithBits({.bits = 16, .fraction = 14}, 8),
            (FixedPoint{.bits = 8, .fraction = 6}));
}

TEST(FixedPointTest, RoundsHalfToEvenAndSaturates) {
  const FixedPoint format = {.bits = 4, .fraction = 3};
  EXPECT_EQ(ToFixedPoint(0.3, format), 0.25);      // 2.4 -> 2
  EXPECT_EQ(ToFixedPoint(0.3125, format), 0.25);   // 2.5 -> 2
  EXPECT_EQ(ToFixedPoint(-0.4375, format), -0.5);  // -3.5 -> -4
  EXPECT_EQ(ToFixedPoint(5, format), 0.875);
  EXPECT_EQ(ToFixedPoint(-5, format), -0.875);
}

TEST(FixedPointTest, FractionsMayExceedTheBitsAndBeNegative) {
  EXPECT_EQ(ToFixedPoint(0.04, {.bits = 3, .fraction = 6}), 0.046875);
  EXPECT_EQ(ToFixedPoint(21, {.bits = 4, .fraction = -2}), 20);
}

TEST(FixedPointTest, OneBitIsZero) {
  EXPECT_EQ(ToFixedPoint(0.3, {.bits = 1, .fraction = 5}), 0);
  EXPECT_EQ(ToFixedPoint(-7, {.bits = 1, .fraction = 0}), 0);
}

TEST(NoClipFractionTest, IsThePublishedFormula) {
  EXPECT_EQ(NoClipFraction(0.3, 8), 8);  // 7 - ceil(-1.74)
  EXPECT_EQ(NoClipFraction(1.0, 8), 7);
  EXPECT_EQ(NoClipFraction(5.0, 8), 4);  // 7 - ceil(2.32)
  EXPECT_EQ(NoClipFraction(5.0, 4), 0);
  EXPECT_EQ(NoClipFraction(100, 6), -2);  // 5 - 7
  EXPECT_EQ(NoClipFraction(0, 8), 0);
}

// An outlier of 1 beside values of an eighth: at 3 bits a step of 1/4 loses
// them, one of 1/8 clips the outlier to 3/8.
TEST(LeastErrorFractionTest, WeighsClippingAgainstSteps) {
  std::vector<float> values(100, 0.125f);
  values.push_back(1.0f);
  EXPECT_EQ(NoClipFraction(1.0, 3), 2);
  EXPECT_EQ(LeastErrorFraction(values, 3), 3);
  EXPECT_EQ(LeastErrorFraction(std::vector<float>{0.75f, -0.5f}, 3), 2);
  EXPECT_EQ(LeastErrorFraction(std::vector<float>{0, 0}, 3), 0);
}

TEST(FixedPointGridTest, SignedFormsLieAroundTheMiddle) {
  const nn::AffineGrid grid = FixedPointGrid({.bits = 5, .fraction = 3},
                                             ActivationForm::kSigned, {0, 1});
  EXPECT_EQ(grid.scale, 0.125f);
  EXPECT_EQ(grid.zero_point, 16);
  EXPECT_EQ(grid.qmin, 1);
  EXPECT_EQ(grid.qmax, 31);
  EXPECT_EQ(Dequantize(Quantize(-9, grid), grid), -15 * 0.125f);
}

TEST(FixedPointGridTest, OffsetFormsUseAllCodes) {
  const FixedPoint format = {.bits = 4, .fraction = 2};
  const nn::AffineGrid relu =
      FixedPointGrid(format, ActivationForm::kOffset, {0, 3.7f});
  EXPECT_EQ(relu.zero_point, 0);
  EXPECT_EQ(relu.qmin, 0);
  EXPECT_EQ(relu.qmax, 15);
  // From -1 on: 4 steps below zero.
  EXPECT_EQ(FixedPointGrid(format, ActivationForm::kOffset, {-1, 2}).zero_point,
            4);
  // 16 steps below and 32 above are three times what 4 bits hold.
  EXPECT_EQ(FixedPointGrid(format, ActivationForm::kOffset, {-4, 8}).zero_point,
            5);
}

// 1000 values at -1, few up to 6: three bits of steps of a half keep the many.
TEST(LeastErrorGridTest, KeepsTheEndWhereTheValuesAre) {
  Histogram values({-1, 6}, 700);
  values.Add(std::vector<float>(1000, -1.0f));
  values.Add(std::vector<float>{2, 4, 6});
  const FixedPoint format = {.bits = 3, .fraction = 1};
  EXPECT_EQ(FixedPointGrid(format, ActivationForm::kOffset, {-1, 6}).zero_point,
            1);
  EXPECT_EQ(LeastErrorGrid(format, values).zero_point, 2);
}

TEST(FixedPointGridTest, OneBitAndConstantRangesAreUsable) {
  for (ActivationForm form :
       {ActivationForm::kSigned, ActivationForm::kOffset}) {
    for (int bits = 1; bits <= 8; ++bits) {
      const nn::AffineGrid grid =
          FixedPointGrid({.bits = bits, .fraction = 0}, form, {0, 0});
      EXPECT_LE(grid.qmin, grid.zero_point);
      EXPECT_GE(grid.qmax, grid.zero_point);
      EXPECT_LE(grid.qmax, 255);
      EXPECT_GE(grid.qmin, 0);
    }
  }
}

arch::Layer Linear() {
  arch::Layer layer;
  layer.kind = arch::LayerKind::kLinear;
  layer.in = {1, 2};
  layer.out = {1, 2};
  return layer;
}

TEST(FixedPointWeightsTest, AFractionForAllChannelsOrOneEach) {
  const FoldedLayer folded = {.weights = {0.3f, -0.9f, 0.03f, 0.09f},
                              .bias = {0.3f, -2}};
  FixedPointLayer format = {.weights = {.bits = 4, .fractions = {3}},
                            .bias = {.bits = 3, .fraction = 1}};
  QuantizedWeights quantized = FixedPointWeightsOf(Linear(), folded, format);
  EXPECT_THAT(quantized.weights, ElementsAre(2, -7, 0, 1));
  EXPECT_THAT(quantized.scale, Each(0.125f));
  EXPECT_THAT(quantized.bias, ElementsAre(0.5f, -1.5f));
  format.weights.fractions = {3, 6};
  quantized = FixedPointWeightsOf(Linear(), folded, format);
  EXPECT_THAT(quantized.weights, ElementsAre(2, -7, 2, 6));
  EXPECT_THAT(quantized.scale, ElementsAre(0.125f, 0.015625f));
}

}  // namespace
}  // namespace frostnas::quant
