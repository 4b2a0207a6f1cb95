#include "quant/methods/layerwise/adaround.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"
#include "base/status_matchers.h"
#include "base/stop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/threads.h"
#include "quant/methods/layerwise/layer_forward.h"
#include "quant/methods/network/fake_quant.h"
#include "quant/methods/network/patches.h"
#include "quant/methods/ranges/batches.h"
#include "quant/methods/ranges/range_stages.h"
#include "quant/testing/architectures.h"
#include "quant/testing/float_network.h"

namespace frostnas::quant {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

TEST(RectifiedSigmoidTest, StartsAtTheFraction) {
  // The values of methods.md 7.5: -ln(1.2 / (fraction + 0.1) - 1).
  EXPECT_NEAR(InverseRectifiedSigmoid(0.5), 0, 1e-12);
  EXPECT_NEAR(InverseRectifiedSigmoid(0.1), -1.60944, 5e-6);
  EXPECT_NEAR(InverseRectifiedSigmoid(0.25), -0.88730, 5e-6);
  EXPECT_NEAR(InverseRectifiedSigmoid(0.9), 1.60944, 5e-6);
  for (double fraction = 0; fraction < 1; fraction += 0.125) {
    EXPECT_NEAR(RectifiedSigmoid(InverseRectifiedSigmoid(fraction)), fraction,
                1e-12);
  }
  EXPECT_EQ(RectifiedSigmoid(-3), 0);
  EXPECT_EQ(RectifiedSigmoid(3), 1);
}

TEST(RoundingBetaTest, FallsFrom20To2AfterAFifth) {
  EXPECT_EQ(RoundingBeta(0, 1000), 20);
  EXPECT_EQ(RoundingBeta(200, 1000), 20);
  EXPECT_EQ(RoundingBeta(600, 1000), 11);
  EXPECT_EQ(RoundingBeta(1000, 1000), 2);
}

// Of a layer reading `in` channels of 4 x 4 pixels.
arch::Layer LayerOf(arch::LayerKind kind, int in, int out, int kernel,
                    v1::Activation activation) {
  arch::Layer layer;
  layer.name = "layer";
  layer.kind = kind;
  layer.inputs = {arch::kGraphInput};
  layer.in = {.size = 4, .channels = in};
  layer.out = {.size = 4, .channels = out};
  layer.kernel = kernel;
  layer.activation = activation;
  return layer;
}

LayerSamples RandomSamples(const arch::Layer& layer, int positions,
                           Random& random) {
  LayerSamples samples;
  samples.positions = positions;
  samples.patches.resize(positions * PatchElements(GeometryOf(layer)));
  samples.outputs.resize(positions * layer.out.channels);
  for (float& v : samples.patches) v = static_cast<float>(random.Normal());
  for (float& v : samples.outputs) v = static_cast<float>(random.Normal());
  return samples;
}

FoldedLayer RandomLayer(const arch::Layer& layer, Random& random) {
  const FilterLayout layout = FilterLayoutOf(layer);
  FoldedLayer folded;
  folded.weights.resize(layout.channels * layout.elements);
  for (float& w : folded.weights) w = static_cast<float>(random.Normal());
  for (int c = 0; c < layout.channels; ++c) {
    folded.bias.push_back(static_cast<float>(random.Normal()));
    folded.post_scale.push_back(static_cast<float>(random.Normal()));
    folded.post_shift.push_back(static_cast<float>(random.Normal()));
  }
  return folded;
}

TEST(LayerForwardTest, ComputesByHand) {
  const arch::Layer layer =
      LayerOf(arch::LayerKind::kConv, 2, 2, 1, v1::ACTIVATION_RELU6);
  FoldedLayer folded = {
      .bias = {1, -1}, .post_scale = {2, -1}, .post_shift = {0.5f, 3}};
  LayerForward forward(layer, folded);
  const LayerSamples samples = {
      .positions = 2, .patches = {1, 2, 3, -4}, .outputs = {10, 0, 12, 3}};
  // Sums 1 + 2 + 1 and 2 - 2 - 1; 3 - 4 + 1 and 6 + 4 - 1, cut at 6.
  EXPECT_THAT(forward.Forward(samples, {{1, 1, 2, -1}}),
              ElementsAre(8.5f, 3, 0.5f, -3));
  // ((1.5^2 + 3^2) + (11.5^2 + 6^2)) / 2.
  EXPECT_DOUBLE_EQ(forward.Error(samples, {{1, 1, 2, -1}}),
                   (2.25 + 9 + 132.25 + 36) / 2);
}

// The error is quadratic in the weights between the activation's kinks, so
// central differences are exact there but for float rounding.
TEST(LayerForwardTest, GradientIsTheErrorsDifference) {
  nn::SetComputeThreads(1);
  Random random(7);
  for (const auto kind :
       {arch::LayerKind::kConv, arch::LayerKind::kDepthwise}) {
    const arch::Layer layer = LayerOf(kind, 3, 3, 3, v1::ACTIVATION_RELU);
    const FoldedLayer folded = RandomLayer(layer, random);
    const LayerSamples samples = RandomSamples(layer, 40, random);
    LayerForward forward(layer, folded);
    std::vector<float> gradient(folded.weights.size());
    forward.Gradient(samples, folded.weights, absl::MakeSpan(gradient));
    for (size_t i = 0; i < gradient.size(); i += 5) {
      constexpr float kStep = 1e-3f;
      std::vector<float> weights = folded.weights;
      weights[i] = folded.weights[i] + kStep;
      const double above = forward.Error(samples, weights);
      weights[i] = folded.weights[i] - kStep;
      const double below = forward.Error(samples, weights);
      EXPECT_NEAR(gradient[i], (above - below) / (2 * kStep),
                  0.02 * (1 + std::abs(gradient[i])));
    }
  }
}

TEST(LearnRoundingTest, RoundsAgainstTheNearestWhereInputsAgree) {
  nn::SetComputeThreads(1);
  const arch::Layer layer =
      LayerOf(arch::LayerKind::kConv, 2, 1, 1, v1::ACTIVATION_NONE);
  // Both inputs are always equal: 0.4 x + 0.45 x is 0.85 x, of which nearest
  // rounding makes 0 and rounding one up makes 1 x.
  const FoldedLayer folded = {.weights = {0.4f, 0.45f}, .bias = {0}};
  LayerSamples samples;
  samples.positions = 16;
  for (int n = 0; n < samples.positions; ++n) {
    const float x = static_cast<float>(n % 4 + 1);
    samples.patches.insert(samples.patches.end(), {x, x});
    samples.outputs.push_back(0.85f * x);
  }
  ASSERT_OK_AND_ASSIGN(
      const LearnedRounding learned,
      LearnRounding({layer, folded, {1.0f}}, samples, {}, Random(1), {}));
  EXPECT_EQ(learned.weights[0] + learned.weights[1], 1);
  // Mean x^2 is 7.5.
  EXPECT_NEAR(learned.nearest_error, 0.85 * 0.85 * 7.5, 1e-5);
  EXPECT_NEAR(learned.error, 0.15 * 0.15 * 7.5, 1e-5);
  EXPECT_EQ(learned.changed, 1);
  EXPECT_EQ(learned.undecided, 0);
}

TEST(LearnRoundingTest, IsBinaryWithinOneStepAndNoWorseThanNearest) {
  nn::SetComputeThreads(1);
  Random random(11);
  const arch::Layer layer =
      LayerOf(arch::LayerKind::kConv, 8, 6, 3, v1::ACTIVATION_RELU);
  FoldedLayer folded = RandomLayer(layer, random);
  folded.post_scale.clear();
  folded.post_shift.clear();
  LayerSamples samples = RandomSamples(layer, 512, random);
  LayerForward forward(layer, folded);
  samples.outputs = forward.Forward(samples, folded.weights);
  const std::vector<float> scale =
      MaxScales(layer, folded, WeightGranularity::kPerChannel, 4);
  const QuantizedWeights nearest = RoundWeights(layer, folded, scale, 4);
  ASSERT_OK_AND_ASSIGN(
      const LearnedRounding learned,
      LearnRounding({layer, folded, scale, 4}, samples, {}, Random(1), {}));
  EXPECT_EQ(learned.undecided, 0);
  EXPECT_LE(learned.error, learned.nearest_error);
  for (size_t i = 0; i < learned.weights.size(); ++i) {
    EXPECT_LE(std::abs(learned.weights[i] - nearest.weights[i]), 1);
    EXPECT_LE(std::abs(learned.weights[i]), 7);
  }
}

TEST(LearnRoundingTest, AFilterOfZerosStaysOne) {
  nn::SetComputeThreads(1);
  Random random(3);
  const arch::Layer layer =
      LayerOf(arch::LayerKind::kConv, 2, 2, 1, v1::ACTIVATION_RELU);
  const FoldedLayer folded = {.weights = {0, 0, 0, 0}, .bias = {1, 1}};
  const LayerSamples samples = RandomSamples(layer, 8, random);
  ASSERT_OK_AND_ASSIGN(const LearnedRounding learned,
                       LearnRounding({layer, folded, {{1.0f, 1.0f}}}, samples,
                                     {.steps = 50}, Random(1), {}));
  EXPECT_THAT(learned.weights, Each(0));
}

TEST(LearnRoundingTest, StopsWhenAsked) {
  Random random(3);
  const arch::Layer layer =
      LayerOf(arch::LayerKind::kConv, 2, 2, 1, v1::ACTIVATION_RELU);
  const FoldedLayer folded = RandomLayer(layer, random);
  StopSource source;
  source.RequestStop();
  EXPECT_THAT(LearnRounding({layer, folded, {{1.0f, 1.0f}}},
                            RandomSamples(layer, 8, random), {}, Random(1),
                            source.token())
                  .status(),
              StatusIs(absl::StatusCode::kCancelled));
}

// Mean squared difference of the plan's logits from the float network's.
double LogitError(const MethodResult& result, const nn::ImageSet& images) {
  const auto exact = *FloatNetworkOf(result.network);
  const auto fake = *FakeQuantNetwork::Create(result.network, result.plan);
  double sum = 0;
  EXPECT_OK(ForEachBatch(
      {images, result.network.dataset}, {}, [&](const nn::Tensor& batch) {
        const nn::Tensor& a = exact->Forward(batch, nn::Mode::kEval);
        const nn::Tensor& b = fake->network().Forward(batch, nn::Mode::kEval);
        for (int64_t i = 0; i < a.elements(); ++i) {
          const double d = double{a.data()[i]} - b.data()[i];
          sum += d * d;
        }
      }));
  return sum;
}

TEST(AdaRoundTest, BringsTheNetworkCloserAndKeepsScales) {
  nn::SetComputeThreads(1);
  const v1::Architecture architecture = EveryLayerArchitecture();
  const nn::ImageSet images = RandomImages(architecture, 8, 5);
  ASSERT_OK_AND_ASSIGN(const FoldedNetwork folded,
                       Fold(RandomFloatNetwork(architecture, 6)));
  const MethodInputs inputs = {.network = folded,
                               .calibration = images,
                               .search = images,
                               .train = images,
                               .options = {.weight_bits = 4}};
  MethodResult result = {.network = folded};
  ASSERT_OK(RunMinMax(inputs, result));
  const QuantizationPlan nearest = result.plan;
  const double before = LogitError(result, images);
  ASSERT_OK(RunAdaRound(inputs, result));
  EXPECT_LT(LogitError(result, images), before);
  for (size_t i = 0; i < nearest.layers.size(); ++i) {
    EXPECT_EQ(result.plan.layers[i].scale, nearest.layers[i].scale);
    EXPECT_EQ(result.plan.layers[i].bias, nearest.layers[i].bias);
  }
}

}  // namespace
}  // namespace frostnas::quant
