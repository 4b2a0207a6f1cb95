#include "nn/half.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "gtest/gtest.h"

namespace frostnas::nn {
namespace {

// Every Float16 of one sign that is a number.
template <typename Body>
void ForEachFloat16(const Body& body) {
  for (uint16_t bits = 0; bits < 0x7C00; ++bits) body(Float16{bits});
}

TEST(Float16Test, ValuesAreThoseOfTheFormat) {
  EXPECT_EQ(ToFloat(Float16{0x3C00}), 1.0f);
  EXPECT_EQ(ToFloat(Float16{0xC000}), -2.0f);
  EXPECT_EQ(ToFloat(Float16{0x7BFF}), 65504.0f);
  EXPECT_EQ(ToFloat(Float16{0x0001}), 0x1p-24f);  // the smallest
  EXPECT_EQ(ToFloat(Float16{0x0400}), 0x1p-14f);  // the smallest normal
  EXPECT_EQ(ToFloat(Float16{0x7C00}), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(ToFloat(Float16{0x7E00})));
}

TEST(Float16Test, EveryValueComesBack) {
  ForEachFloat16([](Float16 value) {
    ASSERT_EQ(RoundToFloat16(ToFloat(value)).bits, value.bits);
    ASSERT_EQ(RoundToFloat16(-ToFloat(value)).bits, value.bits | 0x8000);
  });
}

TEST(Float16Test, RoundsToTheNearestAndTiesToEven) {
  ForEachFloat16([](Float16 value) {
    if (value.bits == 0x7BFF) return;
    const float low = ToFloat(value);
    const float high = ToFloat(Float16{static_cast<uint16_t>(value.bits + 1)});
    const float middle = (low + high) / 2;  // exact
    const uint16_t up = value.bits + 1;
    ASSERT_EQ(RoundToFloat16(middle).bits,
              value.bits % 2 == 0 ? value.bits : up);
    ASSERT_EQ(RoundToFloat16(std::nextafter(middle, 0.0f)).bits, value.bits);
    ASSERT_EQ(RoundToFloat16(std::nextafter(middle, 1e9f)).bits, up);
  });
}

TEST(Float16Test, WhatIsTooLargeBecomesInfinity) {
  EXPECT_EQ(RoundToFloat16(65519.996f).bits, 0x7BFF);
  EXPECT_EQ(RoundToFloat16(65520).bits, 0x7C00);
  EXPECT_EQ(RoundToFloat16(-1e30f).bits, 0xFC00);
  EXPECT_TRUE(std::isnan(ToFloat(RoundToFloat16(std::nanf("")))));
}

TEST(BFloat16Test, RoundsToTheNearestAndTiesToEven) {
  EXPECT_EQ(ToFloat(RoundToBFloat16(1.0f)), 1.0f);
  EXPECT_EQ(ToFloat(RoundToBFloat16(1 + 0x1p-8f)), 1.0f);
  EXPECT_EQ(ToFloat(RoundToBFloat16(1 + 3 * 0x1p-8f)), 1 + 0x1p-6f);
  EXPECT_EQ(ToFloat(RoundToBFloat16(1 + 1.01f * 0x1p-8f)), 1 + 0x1p-7f);
  EXPECT_EQ(ToFloat(RoundToBFloat16(-3e38f)), -0x1.C4p127f);
  EXPECT_TRUE(std::isnan(ToFloat(RoundToBFloat16(std::nanf("")))));
}

}  // namespace
}  // namespace frostnas::nn
