// The passes over 16-bit elements do to them what the passes over their values
// in single precision do, which channel_ops_test.cc compares with a reference.
#include "nn/fused/channel_chunks.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"
#include "nn/elements.h"
#include "nn/fused/epilogue.h"
#include "nn/testing/each_target.h"

namespace frostnas::nn {
namespace {

struct Size {
  int64_t rows;
  int channels;
  int64_t elements() const { return rows * channels; }
};

// Whole groups, leftovers, fewer rows than a group, odd channels.
constexpr Size kSizes[] = {{1, 1},   {257, 3}, {64, 8},   {67, 8},
                           {33, 12}, {50, 24}, {129, 40}, {9, 129}};

std::vector<float> RandomFloats(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(3 * random.Normal());
  return values;
}

// Values rounded to T, and the same in single precision.
template <typename T>
struct Halves {
  explicit Halves(const std::vector<float>& values)
      : halves(values.size()), floats(values.size()) {
    for (size_t i = 0; i < values.size(); ++i) {
      Elements(halves.data()).Set(static_cast<int64_t>(i), values[i]);
      floats[i] = ToFloat(halves[i]);
    }
  }
  std::vector<T> halves;
  std::vector<float> floats;
};

std::vector<float> ToFloats(const std::vector<BFloat16>& halves) {
  std::vector<float> floats(halves.size());
  std::transform(halves.begin(), halves.end(), floats.begin(),
                 [](BFloat16 half) { return ToFloat(half); });
  return floats;
}

const std::vector<Epilogue>& Epilogues() {
  static const auto* const epilogues = new std::vector<Epilogue>{
      ClampEpilogue(0, Epilogue::kInfinity),
      QuantizeEpilogue(0, 6, {.scale = 0.03f, .zero_point = 7})};
  return *epilogues;
}

ChannelAffine AffineFor(const Size& size) {
  return {RandomFloats(size.channels, 20), RandomFloats(size.channels, 21)};
}

using ChannelChunksTest = EachTargetTest;

TEST_P(ChannelChunksTest, RoundsToBFloat16) {
  for (const int64_t count : {1, 15, 16, 100}) {
    const std::vector<float> src = RandomFloats(count, 1);
    std::vector<BFloat16> dst(src.size());
    Round(count, src.data(), dst.data());
    EXPECT_EQ(ToFloats(dst), Halves<BFloat16>(src).floats);
  }
}

TEST_P(ChannelChunksTest, AppliesAffineToAndFromHalves) {
  for (const Size& size : kSizes) {
    const Halves<Float16> src(RandomFloats(size.elements(), 2));
    for (const Epilogue& epilogue : Epilogues()) {
      const AffineChunks chunks(AffineFor(size), epilogue);
      std::vector<float> expected(src.floats.size()), dst(src.floats.size());
      chunks.Apply(size.rows, src.floats.data(), expected.data());
      chunks.Apply(size.rows, src.halves.data(), dst.data());
      EXPECT_EQ(dst, expected) << size.rows << "x" << size.channels;
      std::vector<BFloat16> rounded(dst.size());
      chunks.Apply(size.rows, src.halves.data(), rounded.data());
      EXPECT_EQ(ToFloats(rounded), Halves<BFloat16>(expected).floats);
      chunks.Apply(size.rows, src.floats.data(), rounded.data());
      EXPECT_EQ(ToFloats(rounded), Halves<BFloat16>(expected).floats);
    }
  }
}

TEST_P(ChannelChunksTest, StatisticsAreOfWhatIsKept) {
  std::vector<StatsPart> part, plain;  // of all passes
  for (const Size& size : kSizes) {
    const std::vector<float> src = RandomFloats(size.elements(), 3);
    std::vector<Float16> kept(src.size());
    StartParts(part, 1, size.channels);
    // In two calls, as the chunks of a thread come.
    const int64_t first = size.rows / 2;
    part[0].Add(first, src.data(), kept.data());
    part[0].Add(size.rows - first, src.data() + first * size.channels,
                kept.data() + first * size.channels);
    std::vector<float> floats(src.size());
    for (size_t i = 0; i < src.size(); ++i) {
      floats[i] = ToFloat(kept[i]);
      // Processors without the instruction round towards zero.
      ASSERT_NEAR(floats[i], src[i], std::abs(src[i]) * 0x1p-10f + 0x1p-24f);
    }
    ChannelStats stats, expected;
    CombineStats(part, stats);
    StartParts(plain, 1, size.channels);
    plain[0].Add(size.rows, floats.data());
    CombineStats(plain, expected);
    EXPECT_EQ(stats.min, expected.min);
    EXPECT_EQ(stats.max, expected.max);
    for (int c = 0; c < size.channels; ++c) {
      EXPECT_NEAR(stats.mean[c], expected.mean[c], 1e-5);
      EXPECT_NEAR(stats.variance[c], expected.variance[c], 1e-4);
    }
  }
}

TEST_P(ChannelChunksTest, GradientSumsAreOfWhatIsKept) {
  std::vector<GradientPart> part, plain;  // of all passes
  for (const Size& size : kSizes) {
    const Halves<Float16> src(RandomFloats(size.elements(), 4));
    const Halves<BFloat16> diff(RandomFloats(size.elements(), 5));
    const std::vector<float> unrounded = RandomFloats(size.elements(), 5);
    const std::vector<float> center = RandomFloats(size.channels, 6);
    for (const Epilogue& epilogue : Epilogues()) {
      StartParts(part, 1, AffineFor(size), epilogue, center);
      StartParts(plain, 1, AffineFor(size), epilogue, center);
      std::vector<BFloat16> kept(unrounded.size());
      part[0].Add(size.rows, src.halves.data(), unrounded.data(), kept.data());
      plain[0].Add(size.rows, src.floats.data(), diff.floats.data());
      EXPECT_EQ(ToFloats(kept), diff.floats);
      GradientSums sums, expected;
      CombineGradients(part, sums);
      CombineGradients(plain, expected);
      EXPECT_EQ(sums.sum, expected.sum) << size.rows << "x" << size.channels;
      EXPECT_EQ(sums.sum_centered, expected.sum_centered);
    }
  }
}

TEST_P(ChannelChunksTest, AppliesGradientsToAndFromHalves) {
  for (const Size& size : kSizes) {
    const Halves<Float16> src(RandomFloats(size.elements(), 7));
    const Halves<BFloat16> diff(RandomFloats(size.elements(), 8));
    const GradientCorrection correction = {
        .offset = RandomFloats(size.channels, 9),
        .slope = RandomFloats(size.channels, 10)};
    for (const Epilogue& epilogue : Epilogues()) {
      const GradientChunks chunks(AffineFor(size), epilogue, correction);
      std::vector<float> expected(src.floats.size()), dst(src.floats.size());
      chunks.Apply(size.rows, src.floats.data(), diff.floats.data(),
                   expected.data());
      for (const ConstElements from : {ConstElements(diff.halves.data()),
                                       ConstElements(diff.floats.data())}) {
        chunks.Apply(size.rows, src.halves.data(), from, dst.data());
        EXPECT_EQ(dst, expected) << size.rows << "x" << size.channels;
        std::vector<BFloat16> rounded(dst.size());
        chunks.Apply(size.rows, src.halves.data(), from, rounded.data());
        EXPECT_EQ(ToFloats(rounded), Halves<BFloat16>(expected).floats);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, ChannelChunksTest, EachTarget(),
                         TargetName);

}  // namespace
}  // namespace frostnas::nn
