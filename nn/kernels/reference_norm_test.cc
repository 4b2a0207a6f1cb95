#include "nn/kernels/reference_norm.h"

#include <cmath>
#include <limits>

#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/testing/gradient_check.h"

namespace frostnas::nn::reference {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;

Values RandomValues(size_t count, uint64_t seed) {
  Random random(seed);
  Values values(count);
  for (float& value : values) value = static_cast<float>(random.Normal());
  return values;
}

TEST(ReferenceNormTest, NormalisesToGammaAndBeta) {
  // Channel 0 holds 1, 3 (mean 2, variance 1), channel 1 holds 10, 10.
  const Values src = {1, 10, 3, 10};
  const Moments moments = BatchMoments(src, 2);
  EXPECT_THAT(moments.mean, ElementsAre(2, 10));
  EXPECT_THAT(moments.variance, ElementsAre(1, 0));
  const BatchNorm norm = {.gamma = {2, 5}, .beta = {0.5, -1}, .epsilon = 3};
  // sqrt(1 + 3) = 2.
  EXPECT_THAT(BatchNormForward(norm, moments, src),
              ElementsAre(-0.5, -1, 1.5, -1));
}

TEST(ReferenceNormTest, BatchNormGradientsAgreeWithDifferences) {
  Values src = RandomValues(7 * 3, 1);
  BatchNorm norm = {.gamma = {1, -2, 0.5}, .beta = {0, 1, -1}};
  const Values diff_dst = RandomValues(src.size(), 2);
  const BatchNormGradients gradients = BatchNormBackward(norm, src, diff_dst);
  const auto function = [&] {
    return WeightedSum(BatchNormForward(norm, BatchMoments(src, 3), src),
                       diff_dst);
  };
  EXPECT_TRUE(CheckGradients(
      function, {{"src", absl::MakeSpan(src), gradients.diff_src},
                 {"gamma", absl::MakeSpan(norm.gamma), gradients.diff_gamma},
                 {"beta", absl::MakeSpan(norm.beta), gradients.diff_beta}}));
}

TEST(ReferenceNormTest, ClampsAndGates) {
  const Values src = {-1, 0, 2, 6, 7};
  EXPECT_THAT(ClampForward(src, 0, 6), ElementsAre(0, 0, 2, 6, 6));
  EXPECT_THAT(ClampBackward(src, 0, 6, {1, 2, 3, 4, 5}),
              ElementsAre(0, 0, 3, 0, 0));
}

TEST(ReferenceNormTest, FakeQuantizationRoundsHalvesToEven) {
  // Steps of 0.5 from -1 to 1: q in [0, 4], zero point 2.
  const AffineGrid grid = {.scale = 0.5, .zero_point = 2, .qmin = 0, .qmax = 4};
  EXPECT_THAT(FakeQuantizeForward({-9, -0.25, 0.25, 0.75, 0.6, 9}, grid),
              ElementsAre(-1, 0, 0, 1, 0.5, 1));
  // The gradient passes up to half a step beyond the ends: (-1.25, 1.25).
  EXPECT_THAT(
      FakeQuantizeBackward({-1.3, -1.2, 0, 1.2, 1.3}, grid, {1, 2, 3, 4, 5}),
      ElementsAre(0, 2, 3, 4, 0));
}

TEST(ReferenceNormTest, FakeQuantizesWeightsPerChannel) {
  // 3 bits: 7 values from -3 to 3. Channel 0: scale 1, channel 1: zeros.
  EXPECT_THAT(FakeQuantizeWeights({-3, 1.4, 0.5, 0, 0, 0}, 2, 3),
              ElementsAre(-3, 1, 0, 0, 0, 0));
}

}  // namespace
}  // namespace frostnas::nn::reference
