// Against ConvReference, on every instruction set, with channel counts that
// leave tails and sizes that leave odd rows.
#include "quant/simd/depthwise_conv.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "gtest/gtest.h"
#include "nn/testing/each_target.h"
#include "quant/kernels/reference.h"

namespace frostnas::quant::simd {
namespace {

constexpr int kImages = 2;

struct Case {
  int size, channels, kernel, stride;
  std::string ToString() const {
    return absl::StrCat(size, "x", size, "x", channels, " k", kernel, " s",
                        stride);
  }
};

// Random weights and biases, and `params` over them.
struct Problem {
  std::vector<int8_t> weights;
  std::vector<int32_t> bias;
  ConvParams params;
  std::vector<uint8_t> src;

  explicit Problem(const Case& c) {
    params.geometry = {.in_size = c.size,
                       .in_channels = c.channels,
                       .out_size = (c.size - 1) / c.stride + 1,
                       .out_channels = c.channels,
                       .kernel = c.kernel,
                       .stride = c.stride,
                       .pad = (c.kernel - 1) / 2,
                       .depthwise = true};
    Random random(c.channels * 100 + c.size);
    weights.resize(params.geometry.filter_elements() * c.channels);
    for (int8_t& w : weights) {
      w = static_cast<int8_t>(static_cast<int>(random.UniformInt(255)) - 127);
    }
    bias.resize(c.channels);
    for (int32_t& b : bias) {
      b = static_cast<int>(random.UniformInt(8001)) - 4000;
    }
    params.weights = weights;
    params.bias = bias;
    for (int i = 0; i < c.channels; ++i) {
      params.multiplier.push_back(0.002f + 0.001f * static_cast<float>(i % 7));
    }
    // Exactly as long as said: sanitizers see what is read too far.
    src.resize(kImages * params.geometry.src_elements() + kSlackBytes);
    for (uint8_t& s : src) s = static_cast<uint8_t>(random.NextUint32());
  }
};

void ExpectSameBits(const Problem& problem, const std::string& what) {
  const ConvGeometry& g = problem.params.geometry;
  const size_t bytes = kImages * g.dst_elements();
  std::vector<uint8_t> expected(bytes), actual(bytes + 1, 77);
  ConvReference(
      problem.params, kImages,
      absl::MakeConstSpan(problem.src).first(kImages * g.src_elements()),
      absl::MakeSpan(expected));
  const DepthwiseConv conv(problem.params);
  const int64_t parts = conv.Parts(kImages);
  // The last part first: no part may write into another's rows.
  conv.Run(problem.src.data(), parts / 3, parts, actual.data());
  conv.Run(problem.src.data(), 0, parts / 3, actual.data());
  EXPECT_EQ(actual.back(), 77) << what;
  actual.pop_back();
  EXPECT_EQ(actual, expected) << what;
}

using DepthwiseConvTest = nn::EachTargetTest;

TEST_P(DepthwiseConvTest, EqualsTheReference) {
  for (int kernel : {3, 5}) {
    for (int stride : {1, 2}) {
      for (int channels : {1, 8, 16, 24, 40, 61}) {
        for (int size : {1, 2, 5, 8, 13}) {
          const Case c = {size, channels, kernel, stride};
          Problem problem(c);
          ExpectSameBits(problem, c.ToString());
        }
      }
    }
  }
}

TEST_P(DepthwiseConvTest, PadsWithTheZeroPointAndClamps) {
  for (int kernel : {3, 5}) {
    const Case c = {7, 24, kernel, 1};
    Problem problem(c);
    problem.params.src_zero_point = 118;
    problem.params.to = {.zero_point = 101};
    ExpectSameBits(problem, c.ToString() + " zero points");
    problem.params.to = {.zero_point = 101, .low = 101, .high = 180};
    ExpectSameBits(problem, c.ToString() + " clamp");
  }
}

TEST_P(DepthwiseConvTest, SaturatesValuesBeyondIntegers) {
  const Case c = {5, 16, 3, 1};
  Problem problem(c);
  for (float& multiplier : problem.params.multiplier) multiplier = 1e8f;
  EXPECT_FALSE(SaturatesOnly(problem.params));
  ExpectSameBits(problem, "huge multipliers");
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, DepthwiseConvTest, nn::EachTarget(),
                         nn::TargetName);

TEST(DepthwiseConvGeometryTest, OtherKernelsAreNotSupported) {
  ConvGeometry g = Problem({7, 8, 3, 1}).params.geometry;
  EXPECT_TRUE(DepthwiseConv::Supports(g));
  g.kernel = 7;
  EXPECT_FALSE(DepthwiseConv::Supports(g));
  g.kernel = 3;
  g.stride = 3;
  EXPECT_FALSE(DepthwiseConv::Supports(g));
}

}  // namespace
}  // namespace frostnas::quant::simd
