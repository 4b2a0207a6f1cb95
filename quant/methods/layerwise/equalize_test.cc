#include "quant/methods/layerwise/equalize.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "arch/graph.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/network.h"
#include "nn/threads.h"
#include "quant/testing/architectures.h"
#include "quant/testing/float_network.h"

namespace frostnas::quant {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;

v1::Block Conv(const char* name, int channels, v1::Activation activation) {
  v1::Block block;
  block.set_name(name);
  block.mutable_conv()->set_out_channels(channels);
  block.mutable_conv()->set_kernel(1);
  block.mutable_conv()->set_stride(1);
  block.mutable_conv()->set_activation(activation);
  return block;
}

// Two 1x1 convolutions of `channels` channels (and a depthwise separable one),
// average pooling, linear with two classes; 8 x 8 x 1 input.
v1::Architecture Small(int channels, v1::Activation activation,
                       bool separable = false) {
  v1::Architecture architecture;
  architecture.set_input_size(8);
  architecture.set_input_channels(1);
  architecture.set_num_classes(2);
  *architecture.add_blocks() = Conv("a", channels, activation);
  if (separable) {
    v1::Block& block = *architecture.add_blocks();
    block.set_name("b");
    block.mutable_separable()->set_out_channels(channels);
    block.mutable_separable()->set_kernel(3);
    block.mutable_separable()->set_stride(1);
    block.mutable_separable()->set_activation(activation);
  } else {
    *architecture.add_blocks() = Conv("b", channels, activation);
  }
  v1::Block& classifier = *architecture.add_blocks();
  classifier.set_name("classifier");
  classifier.mutable_classifier()->set_pool(v1::GLOBAL_POOL_AVERAGE);
  return architecture;
}

FoldedNetwork RandomFolded(const v1::Architecture& architecture) {
  return *Fold(RandomFloatNetwork(architecture, 2));
}

// Where every channel of every layer comes up to `max` and down to `min`.
TensorExtremes SameExtremes(const arch::Graph& graph, const Range& range) {
  std::vector<std::vector<Range>> channels = {
      std::vector<Range>(graph.input.channels, range)};
  for (const arch::Layer& layer : graph.layers) {
    channels.emplace_back(layer.out.channels, range);
  }
  return TensorExtremes(std::move(channels));
}

// Logits of all images.
std::vector<float> Logits(const FoldedNetwork& folded,
                          const nn::ImageSet& images) {
  const auto network = *FloatNetworkOf(folded);
  std::vector<float> logits;
  EXPECT_OK(
      ForEachBatch({images, folded.dataset}, {}, [&](const nn::Tensor& batch) {
        const nn::Tensor& out = network->Forward(batch, nn::Mode::kEval);
        logits.insert(logits.end(), out.span().begin(), out.span().end());
      }));
  return logits;
}

// Largest difference, as a share of the largest logit.
double RelativeDifference(const std::vector<float>& a,
                          const std::vector<float>& b) {
  double largest = 0, difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max<double>(largest, std::abs(a[i]));
    difference = std::max<double>(difference, std::abs(a[i] - b[i]));
  }
  return difference / largest;
}

TEST(FindPairsTest, PairsWhatOnlyOneLayerReadsThroughPools) {
  const arch::Graph graph =
      *arch::ExpandArchitecture(Small(2, v1::ACTIVATION_RELU));
  // conv, conv, pool, linear.
  EXPECT_THAT(FindPairs(graph), ElementsAre(LayerPair{0, 1}, LayerPair{1, 3}));
}

TEST(FindPairsTest, LeavesTensorsAloneThatAddsAndConcatsRead) {
  const arch::Graph graph = *arch::ExpandArchitecture(EveryLayerArchitecture());
  const std::vector<LayerPair> pairs = FindPairs(graph);
  EXPECT_GT(pairs.size(), 3);
  for (const LayerPair& pair : pairs) {
    for (const arch::Layer& layer : graph.layers) {
      const bool merges = layer.inputs.size() == 2;
      EXPECT_FALSE(merges && (layer.inputs[0] == pair.first ||
                              layer.inputs[1] == pair.first))
          << layer.name;
    }
  }
}

TEST(EqualizeTest, GivesBothSidesOfAChannelTheGeometricMean) {
  FoldedNetwork folded = RandomFolded(Small(2, v1::ACTIVATION_RELU));
  folded.layers[0].weights = {8, 2};
  folded.layers[0].bias = {4, -6};
  folded.layers[1].weights = {0.5f, 0.1f, 0.25f, 8};  // O,I
  folded.layers[1].bias = {0, 0};
  folded.layers[3].weights = {0, 0, 0, 0};
  const EqualizeResult result =
      Equalize(SameExtremes(folded.graph, {.min = 0, .max = 9}), folded);
  EXPECT_EQ(result.pairs, 2);
  // s = sqrt(8 / 0.5) = 4 and sqrt(2 / 8) = 1 / 2.
  EXPECT_THAT(folded.layers[0].weights, ElementsAre(2, 4));
  EXPECT_THAT(folded.layers[0].bias, ElementsAre(1, -12));
  EXPECT_THAT(folded.layers[1].weights, ElementsAre(2, 0.05f, 1, 4));
}

// 16 * 1 * 1 * 1 over a pointwise, a depthwise, a pointwise and a linear layer
// of one channel: 2 each.
TEST(EqualizeTest, SweepsAChainToOneGeometricMean) {
  FoldedNetwork folded =
      RandomFolded(Small(1, v1::ACTIVATION_RELU, /*separable=*/true));
  folded.layers[0].weights = {-16};
  folded.layers[1].weights = {0.5f, 0, 0, 0, 1, 0, 0, 0, 0};
  folded.layers[2].weights = {1};
  folded.layers[4].weights = {1, -0.5f};
  Equalize(SameExtremes(folded.graph, {.min = 0, .max = 9}), folded);
  EXPECT_NEAR(folded.layers[0].weights[0], -2, 0.01);
  EXPECT_NEAR(folded.layers[1].weights[4], 2, 0.01);
  EXPECT_NEAR(folded.layers[2].weights[0], 2, 0.01);
  EXPECT_NEAR(folded.layers[4].weights[0], 2, 0.01);
}

TEST(EqualizeTest, KeepsChannelsThatSaturateAReluSix) {
  FoldedNetwork folded = RandomFolded(Small(3, v1::ACTIVATION_RELU6));
  folded.layers[0].weights = {1, 1, 4};
  folded.layers[1].weights = {16, 16, 1, 0, 0, 0, 0, 0, 0};
  folded.layers[1].bias = {0, 0, 0};
  folded.layers[3].weights.assign(6, 0.0f);
  TensorExtremes extremes = TensorExtremes({{{0, 1}},
                                            {{0, 6}, {0, 2.95f}, {0, 2}},
                                            std::vector<Range>(3, {0, 1}),
                                            std::vector<Range>(3, {0, 1}),
                                            std::vector<Range>(2, {0, 1})});
  const EqualizeResult result = Equalize(extremes, folded);
  EXPECT_EQ(result.locked_channels, 1);
  // Locked; s = 1/4 would take 2.95 to 11.8, so s = 2.95 / 5.9; s = 2.
  EXPECT_THAT(folded.layers[0].weights, ElementsAre(1, FloatNear(2, 1e-5f), 2));
}

TEST(EqualizeTest, LeavesTheFunctionAndZeroFiltersAlone) {
  nn::SetComputeThreads(1);
  const v1::Architecture architecture = EveryLayerArchitecture();
  const nn::ImageSet images = RandomImages(architecture, 16, 5);
  FoldedNetwork folded = RandomFolded(architecture);
  std::fill(folded.layers[0].weights.begin(),
            folded.layers[0].weights.begin() + 27, 0.0f);
  const FoldedNetwork before = folded;
  ASSERT_OK_AND_ASSIGN(TensorExtremes extremes,
                       ObserveExtremes(folded, {images, folded.dataset}, {}));
  EXPECT_GT(Equalize(extremes, folded).sweeps, 1);
  EXPECT_LT(RelativeDifference(Logits(folded, images), Logits(before, images)),
            1e-5);
  ASSERT_OK_AND_ASSIGN(extremes,
                       ObserveExtremes(folded, {images, folded.dataset}, {}));
  AbsorbHighBias(extremes, folded);
  EXPECT_LT(RelativeDifference(Logits(folded, images), Logits(before, images)),
            1e-5);
}

TEST(AbsorbHighBiasTest, MovesTheLeastValueOn) {
  nn::SetComputeThreads(1);
  const v1::Architecture architecture = Small(2, v1::ACTIVATION_RELU);
  const nn::ImageSet images = RandomImages(architecture, 4, 6);
  FoldedNetwork folded = RandomFolded(architecture);
  // Inputs are within -1.88 and 2.12: channel 0 is 10 + 1.88 at most and never
  // 0; channel 1 falls to 0.
  folded.layers[0].weights = {1, 1};
  folded.layers[0].bias = {10, 0};
  folded.layers[1].weights = {0.5f, 1, 2, 1};
  folded.layers[1].bias = {1, 1};
  const FoldedNetwork before = folded;
  ASSERT_OK_AND_ASSIGN(const TensorExtremes extremes,
                       ObserveExtremes(folded, {images, folded.dataset}, {}));
  EXPECT_GE(AbsorbHighBias(extremes, folded), 1);
  const float c = extremes.channels(0)[0].min;
  EXPECT_GT(c, 8);
  EXPECT_FLOAT_EQ(folded.layers[0].bias[0], 10 - c);
  EXPECT_FLOAT_EQ(folded.layers[0].bias[1], 0);
  EXPECT_LT(RelativeDifference(Logits(folded, images), Logits(before, images)),
            1e-5);
}

TEST(ReplaceRelu6Test, GivesTheGraphOfItsArchitecture) {
  FoldedNetwork folded = RandomFolded(EveryLayerArchitecture());
  ReplaceRelu6(folded);
  ASSERT_OK_AND_ASSIGN(const arch::Graph graph,
                       arch::ExpandArchitecture(folded.architecture));
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    EXPECT_EQ(graph.layers[i].activation, folded.graph.layers[i].activation);
    EXPECT_NE(graph.layers[i].activation, v1::ACTIVATION_RELU6);
  }
}

}  // namespace
}  // namespace frostnas::quant
