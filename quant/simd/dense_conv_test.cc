// Against ConvReference, on every instruction set, with channel counts that
// leave tails.
#include "quant/simd/dense_conv.h"

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"
#include "nn/testing/each_target.h"
#include "quant/kernels/reference.h"

namespace frostnas::quant::simd {
namespace {

struct Shape {
  int size, in_channels, out_channels, kernel, stride;
};

void ExpectSameBits(const Shape& shape, int zero_point,
                    const Requantization& to) {
  ConvParams params;
  params.geometry = {.in_size = shape.size,
                     .in_channels = shape.in_channels,
                     .out_size = (shape.size - shape.kernel) / shape.stride + 1,
                     .out_channels = shape.out_channels,
                     .kernel = shape.kernel,
                     .stride = shape.stride};
  Random random(shape.in_channels * 100 + shape.out_channels);
  const ConvGeometry& g = params.geometry;
  std::vector<int8_t> weights(g.filter_elements() * g.out_channels);
  for (int8_t& w : weights) {
    w = static_cast<int8_t>(static_cast<int>(random.UniformInt(255)) - 127);
  }
  std::vector<int32_t> bias(g.out_channels);
  for (int32_t& b : bias) b = static_cast<int>(random.UniformInt(4001)) - 2000;
  params.weights = weights;
  params.bias = bias;
  params.multiplier.assign(g.out_channels, 0.003f);
  params.src_zero_point = zero_point;
  params.to = to;
  std::vector<uint8_t> src(2 * g.src_elements() + kSlackBytes);
  for (uint8_t& s : src) s = static_cast<uint8_t>(random.NextUint32());
  std::vector<uint8_t> expected(2 * g.dst_elements());
  std::vector<uint8_t> actual(expected.size());
  ConvReference(params, 2, absl::MakeConstSpan(src).first(2 * g.src_elements()),
                absl::MakeSpan(expected));
  const int64_t pixels = int64_t{2} * g.out_size * g.out_size;
  const DenseConv conv(params);
  conv.Run(src.data(), 0, pixels / 3, actual.data());
  conv.Run(src.data(), pixels / 3, pixels, actual.data());
  EXPECT_EQ(actual, expected)
      << shape.in_channels << " -> " << shape.out_channels << " k"
      << shape.kernel << " size " << shape.size;
}

using DenseConvTest = nn::EachTargetTest;

TEST_P(DenseConvTest, EqualsTheReference) {
  for (const Shape& shape :
       {Shape{1, 1, 1, 1, 1}, Shape{5, 3, 17, 3, 2}, Shape{33, 3, 16, 3, 1},
        Shape{7, 16, 16, 1, 1}, Shape{6, 7, 40, 5, 1}, Shape{3, 33, 31, 1, 1},
        Shape{8, 20, 24, 1, 1}, Shape{4, 40, 63, 1, 1}, Shape{3, 8, 65, 1, 1},
        Shape{2, 24, 200, 1, 1}, Shape{9, 6, 130, 1, 2},
        Shape{1, 320, 10, 1, 1}, Shape{1, 64, 100, 1, 1}}) {
    ExpectSameBits(shape, 0, {});
    ExpectSameBits(shape, 118, {.zero_point = 101});
    ExpectSameBits(shape, 3, {.zero_point = 101, .low = 101, .high = 140});
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, DenseConvTest, nn::EachTarget(),
                         nn::TargetName);

}  // namespace
}  // namespace frostnas::quant::simd
