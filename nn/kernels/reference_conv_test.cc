#include "nn/kernels/reference_conv.h"

#include <functional>
#include <vector>

#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/testing/gradient_check.h"

namespace frostnas::nn {
namespace {

using ::testing::ElementsAre;

std::vector<float> RandomValues(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(random.Normal());
  return values;
}

TEST(ReferenceConvTest, PadsWithZerosAndStepsByStride) {
  // One 3x3 image, one channel, an all-ones 3x3 kernel: sums of neighbours.
  const std::vector<float> src = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const std::vector<float> ones(9, 1.0f);
  const ConvShape by_one = {.n = 1, .h = 3, .w = 3, .kernel = 3, .stride = 1};
  std::vector<float> dst(9);
  reference::ConvForward(by_one, src.data(), ones.data(), dst.data());
  EXPECT_THAT(dst, ElementsAre(12, 21, 16, 27, 45, 33, 24, 39, 28));

  ConvShape by_two = by_one;
  by_two.stride = 2;
  std::vector<float> corners(4);
  reference::DepthwiseForward(by_two, src.data(), ones.data(), corners.data());
  EXPECT_THAT(corners, ElementsAre(12, 16, 24, 28));
}

TEST(ReferenceConvTest, WeightsLieOutputChannelFirst) {
  // 1x1, two inputs, two outputs: dst = (s0 + 2 s1, 3 s0 + 4 s1).
  const ConvShape shape = {.c_in = 2, .c_out = 2};
  const std::vector<float> src = {10, 100};
  const std::vector<float> weights = {1, 2, 3, 4};
  std::vector<float> dst(2);
  reference::ConvForward(shape, src.data(), weights.data(), dst.data());
  EXPECT_THAT(dst, ElementsAre(210, 430));
}

// The three functions of one kind of convolution.
struct Kind {
  const char* name;
  bool depthwise;
  decltype(&reference::ConvForward) forward;
  decltype(&reference::ConvBackwardData) backward_data;
  decltype(&reference::ConvBackwardWeights) backward_weights;
};

class ReferenceConvGradientTest : public testing::TestWithParam<Kind> {};

TEST_P(ReferenceConvGradientTest, AgreesWithDifferences) {
  const Kind& kind = GetParam();
  for (const int stride : {1, 2}) {
    const ConvShape s = {.n = 2,
                         .h = 5,
                         .w = 4,
                         .c_in = 3,
                         .c_out = kind.depthwise ? 3 : 2,
                         .kernel = 3,
                         .stride = stride};
    std::vector<float> src = RandomValues(s.src_elements(), 1);
    std::vector<float> weights = RandomValues(
        kind.depthwise ? s.depthwise_weights() : s.dense_weights(), 2);
    const std::vector<float> diff_dst = RandomValues(s.dst_elements(), 3);
    std::vector<float> dst(diff_dst.size());
    const auto function = [&] {
      kind.forward(s, src.data(), weights.data(), dst.data());
      return WeightedSum(dst, diff_dst);
    };
    std::vector<float> diff_src(src.size());
    std::vector<float> diff_weights(weights.size());
    kind.backward_data(s, diff_dst.data(), weights.data(), diff_src.data());
    kind.backward_weights(s, src.data(), diff_dst.data(), diff_weights.data());
    EXPECT_TRUE(CheckGradients(
        function, {{"src", absl::MakeSpan(src), diff_src},
                   {"weights", absl::MakeSpan(weights), diff_weights}}))
        << s.ToString();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, ReferenceConvGradientTest,
    testing::Values(Kind{"Dense", false, reference::ConvForward,
                         reference::ConvBackwardData,
                         reference::ConvBackwardWeights},
                    Kind{"Depthwise", true, reference::DepthwiseForward,
                         reference::DepthwiseBackwardData,
                         reference::DepthwiseBackwardWeights}),
    [](const auto& info) { return info.param.name; });

TEST(ReferenceConvTest, WeightGradientsAreAdded) {
  const ConvShape shape = {.c_in = 1, .c_out = 1};
  const float src = 3, diff_dst = 5;
  float diff_weights = 7;
  reference::ConvBackwardWeights(shape, &src, &diff_dst, &diff_weights);
  EXPECT_EQ(diff_weights, 22);
}

}  // namespace
}  // namespace frostnas::nn
