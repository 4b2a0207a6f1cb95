#include "quant/grid.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "gtest/gtest.h"

namespace frostnas::quant {
namespace {

// The rounding table of methods.md 7.8, both signs and both precisions.
TEST(RoundHalfEvenTest, TiesGoToTheEvenNeighbour) {
  const struct {
    float value;
    int32_t rounded;
  } cases[] = {{0.5f, 0},   {1.5f, 2},   {2.5f, 2},   {-0.5f, 0},
               {-1.5f, -2}, {3.5f, 4},   {-2.5f, -2}, {0.4f, 0},
               {0.6f, 1},   {-0.6f, -1}, {7.0f, 7},   {126.5f, 126}};
  for (const auto& c : cases) {
    EXPECT_EQ(RoundHalfEven(c.value), c.rounded) << c.value;
    EXPECT_EQ(RoundHalfEven(static_cast<double>(c.value)), c.rounded);
  }
}

TEST(RoundHalfEvenTest, ClampsWhatNoIntegerHolds) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(RoundHalfEven(infinity), 1 << 30);
  EXPECT_EQ(RoundHalfEven(-infinity), -(1 << 30));
  EXPECT_EQ(RoundHalfEven(1e30), 1 << 30);
}

TEST(ChooseGridTest, SignedRangeHasZeroAsAPoint) {
  const nn::AffineGrid grid = ChooseGrid(-1.0f, 3.0f, 8);
  EXPECT_FLOAT_EQ(grid.scale, 4.0f / 255);
  EXPECT_EQ(grid.zero_point, 64);  // round(63.75)
  EXPECT_EQ(grid.qmin, 0);
  EXPECT_EQ(grid.qmax, 255);
  EXPECT_EQ(Dequantize(Quantize(0.0f, grid), grid), 0.0f);
}

TEST(ChooseGridTest, NonNegativeRangeStartsAtZero) {
  const nn::AffineGrid grid = ChooseGrid(0.5f, 6.0f, 8);
  EXPECT_FLOAT_EQ(grid.scale, 6.0f / 255);
  EXPECT_EQ(grid.zero_point, 0);
}

TEST(ChooseGridTest, NegativeRangeEndsAtZero) {
  const nn::AffineGrid grid = ChooseGrid(-2.0f, -1.0f, 8);
  EXPECT_FLOAT_EQ(grid.scale, 2.0f / 255);
  EXPECT_EQ(grid.zero_point, 255);
}

TEST(ChooseGridTest, EmptyRangeStillHasAScale) {
  const nn::AffineGrid grid = ChooseGrid(0.0f, 0.0f, 8);
  EXPECT_TRUE(std::isnormal(grid.scale));
  EXPECT_GT(grid.scale, 0);
  EXPECT_EQ(grid.zero_point, 0);
}

TEST(ChooseGridTest, RangeBeyondFloatDoesNotOverflow) {
  const float largest = std::numeric_limits<float>::max();
  const nn::AffineGrid grid = ChooseGrid(-largest, largest, 8);
  EXPECT_TRUE(std::isnormal(grid.scale));
  EXPECT_EQ(grid.zero_point, 128);  // 127.5 goes to the even one
}

TEST(ChooseGridTest, BitsGiveTheNumberOfPoints) {
  for (int bits = 2; bits <= 16; ++bits) {
    const nn::AffineGrid grid = ChooseGrid(-1.0f, 1.0f, bits);
    EXPECT_EQ(grid.qmax - grid.qmin, (1 << bits) - 1);
    EXPECT_EQ(Quantize(-10.0f, grid), grid.qmin);
    EXPECT_EQ(Quantize(10.0f, grid), grid.qmax);
  }
}

// Every value inside of the range moves by at most half a step.
TEST(QuantizeTest, ErrorIsAtMostHalfAStep) {
  const nn::AffineGrid grid = ChooseGrid(-0.7f, 1.9f, 8);
  for (float value = -0.69f; value < 1.89f; value += 0.001f) {
    const float back = Dequantize(Quantize(value, grid), grid);
    EXPECT_LE(std::abs(back - value), 0.501f * grid.scale) << value;
  }
}

TEST(RequantizeTest, RoundsBeforeTheZeroPoint) {
  // 5 * 0.5 = 2.5 rounds to 2 whatever the zero point's parity.
  EXPECT_EQ(Requantize(5, 0.5f, {.zero_point = 10}), 12);
  EXPECT_EQ(Requantize(5, 0.5f, {.zero_point = 11}), 13);
  EXPECT_EQ(Requantize(7, 0.5f, {.zero_point = 11}), 15);
}

TEST(RequantizeTest, SaturatesAtItsBounds) {
  const Requantization to = {.zero_point = 20, .low = 20, .high = 90};
  EXPECT_EQ(Requantize(-1000, 1.0f, to), 20);
  EXPECT_EQ(Requantize(1000, 1.0f, to), 90);
  EXPECT_EQ(Requantize(std::numeric_limits<int32_t>::max(), 1e10f, {}), 255);
  EXPECT_EQ(Requantize(std::numeric_limits<int32_t>::min(), 1e10f, {}), 0);
}

}  // namespace
}  // namespace frostnas::quant
