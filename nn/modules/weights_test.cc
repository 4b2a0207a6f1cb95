#include "nn/modules/weights.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/kernels/reference_norm.h"

namespace frostnas::nn {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

TEST(WeightsTest, NamesAndSizesAParameter) {
  const Parameter p = MakeParameter("b1.expand", "weight",
                                    ParameterRole::kWeight, {4, 1, 1, 3});
  EXPECT_EQ(p.name, "b1.expand.weight");
  EXPECT_EQ(p.value.size(), 12);
  EXPECT_EQ(p.grad.size(), 12);
  EXPECT_THAT(p.value, Each(0));
}

TEST(WeightsTest, KaimingNormalHasVarianceTwoOverFanOut) {
  Parameter p = MakeParameter("a", "weight", ParameterRole::kWeight, {20000});
  InitKaimingNormal(8, Random(1), p);
  double sum = 0, squares = 0;
  for (float value : p.value) {
    sum += value;
    squares += double{value} * value;
  }
  // Five standard errors of the mean (0.5 / sqrt n) and of the variance.
  EXPECT_NEAR(sum / 20000, 0, 5 * 0.5 / std::sqrt(20000));
  EXPECT_NEAR(squares / 20000, 0.25, 5 * 0.25 * std::sqrt(2.0 / 20000));
}

TEST(WeightsTest, UniformFanInStaysInItsBound) {
  Parameter p = MakeParameter("a", "weight", ParameterRole::kWeight, {1000});
  InitUniformFanIn(25, Random(2), p);
  float largest = 0;
  for (float value : p.value) largest = std::max(largest, std::abs(value));
  EXPECT_LE(largest, 0.2f);
  EXPECT_GT(largest, 0.19f);
}

TEST(WeightsTest, FakeQuantizesDenseChannelsLikeTheReference) {
  Random random(3);
  std::vector<float> weights(24 * 75);
  for (float& value : weights) value = static_cast<float>(random.Normal());
  for (const int bits : {2, 4, 8, 16}) {
    std::vector<float> quantized;
    FakeQuantizeWeights(DenseLayout(24, 75), bits, weights, quantized);
    const std::vector<float> expected =
        reference::FakeQuantizeWeights(weights, 24, bits);
    for (size_t i = 0; i < weights.size(); ++i) {
      EXPECT_NEAR(quantized[i], expected[i], 1e-6) << bits << " bits";
    }
  }
}

TEST(WeightsTest, DepthwiseChannelsLieInterleaved) {
  // Channel 0: 3, 1.4 (scale 1); channel 1: 0.3, -0.06 (scale 0.1).
  std::vector<float> quantized;
  FakeQuantizeWeights(DepthwiseLayout(2, 2), 3, {3, 0.3f, 1.4f, -0.06f},
                      quantized);
  EXPECT_THAT(quantized, ElementsAre(3, testing::FloatEq(0.3f), 1,
                                     testing::FloatEq(-0.1f)));
}

TEST(WeightsTest, ChannelsOfZerosAndOfDenormalsStay) {
  const std::vector<float> weights = {0, 0, 1e-42f, 1e-43f};
  std::vector<float> quantized;
  FakeQuantizeWeights(DenseLayout(2, 2), 8, weights, quantized);
  EXPECT_EQ(quantized, weights);
}

}  // namespace
}  // namespace frostnas::nn
