#include "quant/methods/learned/rescale.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "nn/network.h"
#include "nn/threads.h"
#include "quant/testing/float_network.h"

namespace frostnas::quant {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Channels 0 and 3 saturate: T0 = (2 + 4) / 2 = 3. Channel 1: 3 / 1.5 = 2 and
// 2 * 2 = 4 stays below 6. Channel 2: 3 / 0.5 = 6, but 6 * 3 = 18, so 6 / 3.
// Channel 4: 3 / 6 = 0.5.
TEST(ChooseFactorsTest, FollowsTheRuleOfRelu6) {
  const RescaleFactors factors =
      ChooseFactors({2, 1.5f, 0.5f, 4, 6}, {5.9f, 2, 3, 6, 5}, true);
  EXPECT_EQ(factors.locked, 2);
  EXPECT_THAT(factors.factor, ElementsAre(1, 2, 2, 1, 0.5));
}

TEST(ChooseFactorsTest, ReluMakesAllFiltersEqual) {
  const RescaleFactors factors =
      ChooseFactors({2, 1, 0.5f, 4.5f}, {100, 100, 100, 100}, false);
  EXPECT_EQ(factors.locked, 0);
  EXPECT_THAT(factors.factor, ElementsAre(1, 2, 4, DoubleNear(2 / 4.5, 1e-9)));
}

TEST(ChooseFactorsTest, WithoutSaturatingChannelsTheMeanIsTheTarget) {
  EXPECT_THAT(ChooseFactors({1, 3}, {2, 2}, true).factor,
              ElementsAre(2, DoubleNear(2.0 / 3, 1e-9)));
}

TEST(ChooseFactorsTest, ZerosStayAndNearlyZerosAreNotBlownUp) {
  EXPECT_THAT(ChooseFactors({0, 0}, {1, 1}, false).factor, ElementsAre(1, 1));
  EXPECT_THAT(ChooseFactors({0, 2, 1e-20f}, {0, 0, 0}, true).factor,
              ElementsAre(1, 0.5, 1024));
  // A filter of zeros that saturates by its bias is no measure either.
  EXPECT_THAT(ChooseFactors({0, 2, 4}, {6, 6, 1}, true).factor,
              ElementsAre(1, 1, 0.5));
}

// An inverted residual, whose depthwise convolution has `activation`.
v1::Architecture Residual(const std::string& activation) {
  v1::Architecture architecture;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "input_size: 8 input_channels: 3 num_classes: 4 "
      "blocks { name: 'stem' conv { out_channels: 8 kernel: 3 stride: 1 "
      "  activation: " +
          activation +
          " } } "
          "blocks { name: 'b1' inverted_residual { out_channels: 8 kernel: 3 "
          "  stride: 1 expansion: 4 activation: " +
          activation +
          " } } "
          "blocks { name: 'head' classifier { pool: GLOBAL_POOL_AVERAGE } }",
      &architecture));
  return architecture;
}

struct Rescaled {
  FoldedNetwork before, after;
  std::vector<RescaledPair> pairs;
  nn::ImageSet images;
};

// With filters of very different sizes, some of which saturate.
Rescaled RescaleRandom(const std::string& activation) {
  nn::SetComputeThreads(1);
  const v1::Architecture architecture = Residual(activation);
  Rescaled rescaled;
  rescaled.images = RandomImages(architecture, 32, 2);
  rescaled.before = Fold(RandomFloatNetwork(architecture, 1)).value();
  for (FoldedLayer& layer : rescaled.before.layers) {
    for (float& bias : layer.bias) bias += 0.5f;
  }
  for (size_t i = 0; i < rescaled.before.layers.size(); ++i) {
    const arch::Layer& layer = rescaled.before.graph.layers[i];
    if (layer.kind != arch::LayerKind::kDepthwise) continue;
    const FilterLayout layout = FilterLayoutOf(layer);
    for (int c = 0; c < layout.channels; ++c) {
      for (int64_t j = 0; j < layout.elements; ++j) {
        rescaled.before.layers[i].weights[layout.at(c, j)] *=
            std::exp2(static_cast<float>(c % 8) - 4);
      }
    }
  }
  rescaled.after = rescaled.before;
  const TensorExtremes extremes =
      ObserveExtremes(rescaled.before,
                      {rescaled.images, rescaled.before.dataset}, {})
          .value();
  rescaled.pairs = Rescale(extremes, rescaled.after);
  return rescaled;
}

std::vector<float> LogitsOf(const FoldedNetwork& folded,
                            const nn::ImageSet& images) {
  auto network = FloatNetworkOf(folded).value();
  std::vector<float> logits;
  EXPECT_OK(
      ForEachBatch({images, folded.dataset}, {}, [&](const nn::Tensor& batch) {
        const auto values = network->Forward(batch, nn::Mode::kEval).span();
        logits.insert(logits.end(), values.begin(), values.end());
      }));
  return logits;
}

double LargestRelativeChange(const Rescaled& rescaled,
                             const nn::ImageSet& images) {
  const std::vector<float> before = LogitsOf(rescaled.before, images);
  const std::vector<float> after = LogitsOf(rescaled.after, images);
  double largest = 0, change = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    largest = std::max<double>(largest, std::abs(before[i]));
    change = std::max<double>(change, std::abs(before[i] - after[i]));
  }
  return change / largest;
}

TEST(RescaleTest, ReluComputesTheSameOnAnyImages) {
  const Rescaled rescaled = RescaleRandom("ACTIVATION_RELU");
  ASSERT_EQ(rescaled.pairs.size(), 1);
  EXPECT_EQ(rescaled.pairs[0].factors.locked, 0);
  const nn::ImageSet others =
      RandomImages(rescaled.before.architecture, 64, 77);
  EXPECT_LT(LargestRelativeChange(rescaled, rescaled.images), 1e-5);
  EXPECT_LT(LargestRelativeChange(rescaled, others), 1e-5);
  // The filters' maxima are now equal.
  const FoldedLayer& layer = rescaled.after.layers[rescaled.pairs[0].depthwise];
  std::vector<float> largest(32, 0.0f);
  for (size_t i = 0; i < layer.weights.size(); ++i) {
    largest[i % 32] = std::max(largest[i % 32], std::abs(layer.weights[i]));
  }
  // But for the filter of zeros, whose gamma is 0.
  const float target = *std::max_element(largest.begin(), largest.end());
  EXPECT_EQ(std::count(largest.begin(), largest.end(), 0.0f), 1);
  for (const float value : largest) {
    if (value != 0) {
      EXPECT_NEAR(value, target, 1e-5);
    }
  }
}

TEST(RescaleTest, Relu6ComputesTheSameOnCalibrationImages) {
  const Rescaled rescaled = RescaleRandom("ACTIVATION_RELU6");
  ASSERT_EQ(rescaled.pairs.size(), 1);
  const RescaleFactors& factors = rescaled.pairs[0].factors;
  EXPECT_GT(factors.locked, 0);
  EXPECT_LT(factors.locked, 32);
  EXPECT_TRUE(std::any_of(factors.factor.begin(), factors.factor.end(),
                          [](double s) { return s != 1; }));
  EXPECT_LT(LargestRelativeChange(rescaled, rescaled.images), 1e-5);
  ASSERT_OK_AND_ASSIGN(
      const ChangedOutputs counts,
      CountChangedOutputs(rescaled.before, rescaled.after, rescaled.pairs,
                          {rescaled.images, rescaled.before.dataset}, {}));
  EXPECT_EQ(counts.values, 32 * 8 * 8 * 32);
  EXPECT_EQ(counts.changed, 0);
}

// What reads a channel that nothing reaches would be divided by a factor that
// its filter, blown up by folding, has to thank for.
TEST(RescaleTest, ConstantChannelsBecomeTheirValue) {
  Rescaled rescaled = RescaleRandom("ACTIVATION_RELU6");
  const int depthwise = rescaled.pairs[0].depthwise;
  FoldedNetwork& before = rescaled.before;
  const FilterLayout expand = FilterLayoutOf(before.graph.layers[1]);
  const FilterLayout filters = FilterLayoutOf(before.graph.layers[depthwise]);
  constexpr int kDead = 3;
  for (int64_t i = 0; i < expand.elements; ++i) {
    before.layers[1].weights[expand.at(kDead, i)] = 0;
  }
  before.layers[1].bias[kDead] = -1;
  for (int64_t i = 0; i < filters.elements; ++i) {
    before.layers[depthwise].weights[filters.at(kDead, i)] = 300;
  }
  before.layers[depthwise].bias[kDead] = 0.75f;
  rescaled.after = before;
  ASSERT_OK_AND_ASSIGN(
      const TensorExtremes extremes,
      ObserveExtremes(before, {rescaled.images, before.dataset}, {}));
  rescaled.pairs = Rescale(extremes, rescaled.after);
  EXPECT_TRUE(rescaled.pairs[0].constant[kDead]);
  EXPECT_EQ(rescaled.pairs[0].factors.factor[kDead], 1);
  EXPECT_EQ(rescaled.after.layers[depthwise].bias[kDead], 0.75f);
  for (int64_t i = 0; i < filters.elements; ++i) {
    EXPECT_EQ(rescaled.after.layers[depthwise].weights[filters.at(kDead, i)],
              0);
  }
  EXPECT_LT(LargestRelativeChange(rescaled, rescaled.images), 1e-5);
}

// Values that the calibration images do not reach.
TEST(RescaleTest, CountsOutputsThatSaturateOtherwise) {
  Rescaled rescaled = RescaleRandom("ACTIVATION_RELU6");
  FoldedNetwork before = rescaled.before, after = rescaled.after;
  for (FoldedNetwork* network : {&before, &after}) {
    for (float& bias : network->layers[0].bias) bias += 3;
  }
  ASSERT_OK_AND_ASSIGN(
      const ChangedOutputs counts,
      CountChangedOutputs(before, after, rescaled.pairs,
                          {rescaled.images, before.dataset}, {}));
  EXPECT_GT(counts.changed, 0);
  EXPECT_LT(counts.changed, counts.values);
}

TEST(RescaleStageTest, NotesWhatItDid) {
  const Rescaled rescaled = RescaleRandom("ACTIVATION_RELU6");
  MethodInputs inputs = {rescaled.before,
                         rescaled.images,
                         rescaled.images,
                         rescaled.images,
                         {},
                         {},
                         {}};
  MethodResult result;
  result.network = rescaled.before;
  ASSERT_OK(RunRescale(inputs, result));
  ASSERT_EQ(result.notes.size(), 1);
  EXPECT_THAT(result.notes[0], HasSubstr("Rescaled 1 pairs"));
  EXPECT_THAT(result.notes[0], HasSubstr(" 0 changed"));
  EXPECT_EQ(result.network.layers[2].weights, rescaled.after.layers[2].weights);
}

}  // namespace
}  // namespace frostnas::quant
