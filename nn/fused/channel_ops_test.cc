#include "nn/fused/channel_ops.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "gtest/gtest.h"
#include "nn/kernels/reference_norm.h"
#include "nn/testing/each_target.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

using reference::Values;

Values RandomValues(int64_t count, uint64_t seed) {
  Random random(seed);
  Values values(static_cast<size_t>(count));
  for (float& value : values) {
    value = static_cast<float>(2 * random.Normal());
  }
  return values;
}

// Rows and channels: whole groups, leftovers, fewer rows than a group, odd
// channels, more channels than a period's shortest.
const std::vector<Rows>& Sizes() {
  static const auto* const sizes = new std::vector<Rows>{
      {1, 1},   {3, 1},    {100, 1},  {257, 3},  {5, 7},     {64, 8},
      {67, 8},  {1000, 8}, {33, 12},  {31, 16},  {50, 24},   {129, 40},
      {17, 65}, {9, 129},  {20, 320}, {7, 1280}, {4099, 16}, {5000, 24}};
  return *sizes;
}

std::string Name(const Rows& size) {
  return absl::StrCat(size.rows, "x", size.channels);
}

void ExpectNear(const Values& actual, const Values& expected, float tolerance,
                const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], tolerance * (1 + std::abs(expected[i])))
        << what << " [" << i << "]";
  }
}

const AffineGrid kGrid = {
    .scale = 0.0625, .zero_point = 20, .qmin = 0, .qmax = 60};

std::vector<Epilogue> Epilogues() {
  const float inf = Epilogue::kInfinity;
  return {ClampEpilogue(-inf, inf), ClampEpilogue(0, inf), ClampEpilogue(0, 6),
          QuantizeEpilogue(-inf, inf, kGrid), QuantizeEpilogue(0, 6, kGrid)};
}

// The epilogue in the reference's separate steps.
Values ReferenceEpilogue(const Epilogue& e, const Values& v) {
  const Values clamped = reference::ClampForward(v, e.low, e.high);
  return e.quantize ? reference::FakeQuantizeForward(clamped, kGrid) : clamped;
}
Values ReferenceGate(const Epilogue& e, const Values& v, const Values& diff) {
  const Values gated = reference::ClampBackward(v, e.low, e.high, diff);
  return e.quantize ? reference::FakeQuantizeBackward(v, kGrid, gated) : gated;
}

// Affine and data whose values are exact in float, so that masks and rounding
// do not depend on fused multiply-add.
ChannelAffine ExactAffine(int channels) {
  ChannelAffine affine;
  for (int c = 0; c < channels; ++c) {
    affine.scale.push_back(c % 3 == 0 ? -0.5f : 2.0f);
    affine.shift.push_back(static_cast<float>(c % 5) - 2);
  }
  return affine;
}
Values ExactValues(int64_t count, uint64_t seed) {
  Values values = RandomValues(count, seed);
  for (float& value : values) value = std::round(value * 128) / 128;
  return values;
}
Values Apply(const ChannelAffine& affine, const Values& src) {
  Values v(src.size());
  for (size_t i = 0; i < src.size(); ++i) {
    const size_t c = i % affine.scale.size();
    v[i] = affine.scale[c] * src[i] + affine.shift[c];
  }
  return v;
}

using ChannelOpsTest = EachTargetTest;

TEST_P(ChannelOpsTest, StatisticsAgreeWithTheReference) {
  for (const Rows& size : Sizes()) {
    const Values src = RandomValues(size.elements(), 1);
    ChannelStats stats;
    ComputeChannelStats(size, src.data(), stats);
    const reference::Moments moments =
        reference::BatchMoments(src, size.channels);
    for (int c = 0; c < size.channels; ++c) {
      EXPECT_NEAR(stats.mean[c], moments.mean[c], 1e-5) << Name(size);
      EXPECT_NEAR(stats.variance[c], moments.variance[c],
                  1e-5 * (1 + moments.variance[c]))
          << Name(size);
      float min = src[c], max = src[c];
      for (size_t i = c; i < src.size(); i += size.channels) {
        min = std::min(min, src[i]);
        max = std::max(max, src[i]);
      }
      EXPECT_EQ(stats.min[c], min) << Name(size);
      EXPECT_EQ(stats.max[c], max) << Name(size);
    }
  }
}

TEST_P(ChannelOpsTest, ALargeMeanCostsNoAccuracy) {
  const Rows size = {20000, 8};
  Values src = RandomValues(size.elements(), 2);
  for (float& value : src) value += 5000;
  ChannelStats stats;
  ComputeChannelStats(size, src.data(), stats);
  const reference::Moments moments = reference::BatchMoments(src, 8);
  for (int c = 0; c < 8; ++c) {
    EXPECT_NEAR(stats.variance[c], moments.variance[c], 1e-4);
  }
}

TEST_P(ChannelOpsTest, AppliesAffineAndEpilogue) {
  for (const Rows& size : Sizes()) {
    const ChannelAffine affine = ExactAffine(size.channels);
    const Values src = ExactValues(size.elements(), 3);
    for (const Epilogue& epilogue : Epilogues()) {
      Values dst(src.size());
      ApplyAffine(size, affine, epilogue, src.data(), dst.data());
      ExpectNear(dst, ReferenceEpilogue(epilogue, Apply(affine, src)), 1e-6f,
                 Name(size));
      Values in_place = src;
      ApplyAffine(size, affine, epilogue, in_place.data(), in_place.data());
      EXPECT_EQ(in_place, dst);
    }
  }
}

TEST_P(ChannelOpsTest, ReducesGatedGradients) {
  for (const Rows& size : Sizes()) {
    const ChannelAffine affine = ExactAffine(size.channels);
    const Values src = ExactValues(size.elements(), 4);
    const Values diff = RandomValues(size.elements(), 5);
    const Values center = RandomValues(size.channels, 6);
    for (const Epilogue& epilogue : Epilogues()) {
      GradientSums sums;
      ReduceGradient({size, affine, epilogue, src.data(), diff.data()}, center,
                     sums);
      const Values gated = ReferenceGate(epilogue, Apply(affine, src), diff);
      std::vector<double> sum(size.channels), centered(size.channels);
      for (size_t i = 0; i < gated.size(); ++i) {
        const size_t c = i % size.channels;
        sum[c] += gated[i];
        centered[c] += double{gated[i]} * (src[i] - center[c]);
      }
      const double tolerance = 1e-6 * static_cast<double>(size.rows) + 1e-4;
      for (int c = 0; c < size.channels; ++c) {
        EXPECT_NEAR(sums.sum[c], sum[c], tolerance) << Name(size);
        EXPECT_NEAR(sums.sum_centered[c], centered[c], 5 * tolerance)
            << Name(size);
      }
    }
  }
}

TEST_P(ChannelOpsTest, AppliesGradientsWithCorrection) {
  for (const Rows& size : Sizes()) {
    const ChannelAffine affine = ExactAffine(size.channels);
    const Values src = ExactValues(size.elements(), 7);
    const Values diff = RandomValues(size.elements(), 8);
    const GradientCorrection correction = {
        .offset = RandomValues(size.channels, 9),
        .slope = RandomValues(size.channels, 10)};
    for (const Epilogue& epilogue : Epilogues()) {
      const Values gated = ReferenceGate(epilogue, Apply(affine, src), diff);
      Values expected(src.size());
      for (size_t i = 0; i < src.size(); ++i) {
        const size_t c = i % size.channels;
        expected[i] = affine.scale[c] * gated[i] -
                      (correction.offset[c] + correction.slope[c] * src[i]);
      }
      Values diff_src = diff;  // in place
      ApplyGradient({size, affine, epilogue, src.data(), diff_src.data()},
                    correction, diff_src.data());
      ExpectNear(diff_src, expected, 2e-6f, Name(size));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, ChannelOpsTest, EachTarget(),
                         TargetName);

TEST(ChannelOpsThreadsTest, RepeatsExactlyForOneThreadCount) {
  const Rows size = {9001, 24};
  const Values src = RandomValues(size.elements(), 11);
  for (const int threads : {1, 2, 3}) {
    SetComputeThreads(threads);
    ChannelStats first, second;
    ComputeChannelStats(size, src.data(), first);
    ComputeChannelStats(size, src.data(), second);
    EXPECT_EQ(first.mean, second.mean) << threads;
    EXPECT_EQ(first.variance, second.variance) << threads;
  }
}

}  // namespace
}  // namespace frostnas::nn
