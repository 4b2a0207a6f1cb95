// Against quant/kernels/reference.h, with every tail length.
#include "quant/simd/elementwise.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"
#include "quant/kernels/reference.h"

namespace frostnas::quant::simd {
namespace {

std::vector<uint8_t> RandomBytes(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<uint8_t> bytes(count);
  for (uint8_t& byte : bytes) {
    byte = static_cast<uint8_t>(random.NextUint32());
  }
  return bytes;
}

TEST(AddTest, EqualsTheReference) {
  const AddParams params = {.multiplier = {0.731f, 1.25f},
                            .zero_point = {120, 101},
                            .to = {.zero_point = 97}};
  for (int64_t count = 1; count <= 200; ++count) {
    const std::vector<uint8_t> a = RandomBytes(count, 1);
    const std::vector<uint8_t> b = RandomBytes(count, 2);
    std::vector<uint8_t> expected(count), actual(count);
    AddReference(params, a, b, absl::MakeSpan(expected));
    Add(params, a, b, absl::MakeSpan(actual));
    ASSERT_EQ(actual, expected) << count;
  }
}

// All pairs of values, with multipliers that make ties.
TEST(AddTest, EqualsTheReferenceForAllPairs) {
  const AddParams params = {.multiplier = {0.5f, 0.25f},
                            .zero_point = {3, 128},
                            .to = {.zero_point = 65, .low = 65, .high = 180}};
  std::vector<uint8_t> a(65536), b(65536), expected(65536), actual(65536);
  for (int i = 0; i < 65536; ++i) {
    a[i] = static_cast<uint8_t>(i);
    b[i] = static_cast<uint8_t>(i >> 8);
  }
  AddReference(params, a, b, absl::MakeSpan(expected));
  Add(params, a, b, absl::MakeSpan(actual));
  EXPECT_EQ(actual, expected);
}

TEST(AveragePoolTest, EqualsTheReference) {
  for (int channels : {1, 3, 8, 15, 16, 17, 40, 64, 100}) {
    for (int positions : {1, 4, 49}) {
      const AveragePoolParams params = {
          .positions = positions,
          .channels = channels,
          .multiplier = 0.9f / static_cast<float>(positions),
          .src_zero_point = 30,
          .to = {.zero_point = 40}};
      const std::vector<uint8_t> src =
          RandomBytes(int64_t{3} * positions * channels, channels);
      std::vector<uint8_t> expected(3 * channels), actual(3 * channels);
      AveragePoolReference(params, 3, src, absl::MakeSpan(expected));
      AveragePool(params, 3, src.data(), actual.data());
      EXPECT_EQ(actual, expected) << channels << " x " << positions;
    }
  }
}

TEST(MaxRowsTest, TakesTheLargestOfEachColumn) {
  for (int64_t size : {1, 7, 16, 33, 64, 129}) {
    const std::vector<uint8_t> src = RandomBytes(5 * size, size);
    std::vector<uint8_t> expected(size, 0), actual(size, 0);
    for (int64_t i = 0; i < 5 * size; ++i) {
      expected[i % size] = std::max(expected[i % size], src[i]);
    }
    MaxRows({src.data(), size, 5}, absl::MakeSpan(actual));
    EXPECT_EQ(actual, expected) << size;
  }
}

// Behind dst stand bytes that must stay.
TEST(JoinRowsTest, EqualsTheReferenceAndWritesNothingElse) {
  for (int64_t rows : {1, 2, 3, 5, 17, 40}) {
    for (int a_bytes : {1, 8, 16, 24, 33}) {
      for (int b_bytes : {1, 3, 16, 32, 40}) {
        const int64_t size = rows * (a_bytes + b_bytes);
        const std::vector<uint8_t> a = RandomBytes(rows * a_bytes, 1);
        const std::vector<uint8_t> b = RandomBytes(rows * b_bytes, 2);
        std::vector<uint8_t> expected(size), actual(size + 64, 0xAB);
        ConcatReference(a_bytes, b_bytes, a, b, absl::MakeSpan(expected));
        JoinRows({rows, a_bytes, b_bytes}, a.data(), b.data(), actual.data());
        expected.resize(size + 64, 0xAB);
        ASSERT_EQ(actual, expected) << rows << " " << a_bytes << " " << b_bytes;
      }
    }
  }
}

TEST(ChannelClampTest, EqualsTheReference) {
  for (int channels : {1, 3, 10, 32, 33, 64, 100}) {
    ChannelBounds bounds = {.low = RandomBytes(channels, 1),
                            .high = RandomBytes(channels, 2)};
    for (int c = 0; c < channels; ++c) {
      if (bounds.low[c] > bounds.high[c]) {
        std::swap(bounds.low[c], bounds.high[c]);
      }
    }
    const ChannelClamp clamp(bounds);
    for (int64_t rows : {1, 2, 5, 70}) {
      std::vector<uint8_t> expected = RandomBytes(rows * channels, 3);
      std::vector<uint8_t> actual = expected;
      ClampChannelsReference(bounds, absl::MakeSpan(expected));
      clamp.Apply(absl::MakeSpan(actual));
      EXPECT_EQ(actual, expected) << rows << " x " << channels;
    }
  }
}

TEST(LookUpTest, EachChannelGoesThroughItsTable) {
  Random random(11);
  for (size_t channels : {1, 2, 3, 5}) {
    std::vector<ByteTable> tables(channels);
    for (ByteTable& table : tables) {
      for (uint8_t& value : table) {
        value = static_cast<uint8_t>(random.NextUint32());
      }
    }
    std::vector<uint8_t> src(257 * channels), dst(src.size());
    for (uint8_t& value : src) {
      value = static_cast<uint8_t>(random.NextUint32());
    }
    LookUp(tables, src, absl::MakeSpan(dst));
    for (size_t i = 0; i < src.size(); ++i) {
      ASSERT_EQ(dst[i], tables[i % channels][src[i]]) << channels << " " << i;
    }
  }
}

}  // namespace
}  // namespace frostnas::quant::simd
