#include "quant/methods/cost.h"

#include <vector>

#include "arch/graph.h"
#include "arch/presets.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::quant {
namespace {

arch::Layer Conv(int in_channels, int out_channels, int size) {
  arch::Layer layer;
  layer.kind = arch::LayerKind::kConv;
  layer.kernel = 3;
  layer.in = {size, in_channels};
  layer.out = {size, out_channels};
  return layer;
}

TEST(CostTest, AConvolutionByHand) {
  const NetworkCost cost =
      CostOfLayer(Conv(3, 32, 4), {.weights = 5, .bias = 6, .activation = 4});
  EXPECT_DOUBLE_EQ(cost.weights_kb, 5 * 864 / 8192.0);
  EXPECT_DOUBLE_EQ(cost.biases_kb, 6 * 32 / 8192.0);
  EXPECT_DOUBLE_EQ(cost.activations_kb, 4 * 512 / 8192.0);
  EXPECT_DOUBLE_EQ(cost.multiplications, 5.0 * 864 * 4 * 16);
}

TEST(CostTest, ADepthwiseConvolutionHasOneFilterAChannel) {
  arch::Layer layer = Conv(8, 8, 2);
  layer.kind = arch::LayerKind::kDepthwise;
  const NetworkCost cost = CostOfLayer(layer, {});
  EXPECT_DOUBLE_EQ(cost.weights_kb, 8 * 72 / 8192.0);
  EXPECT_DOUBLE_EQ(cost.multiplications, 64.0 * 72 * 4);
}

TEST(CostTest, MovedValuesCostNothing) {
  arch::Layer layer;
  layer.kind = arch::LayerKind::kMaxPool;
  layer.in = {4, 8};
  layer.out = {2, 8};
  EXPECT_EQ(CostOfLayer(layer, {}).memory_kb(), 0);
  EXPECT_EQ(CostOfLayer(layer, {}).multiplications, 0);
}

TEST(CostTest, SavingsAreSharesOfTheBaseline) {
  const NetworkCost half = {.weights_kb = 1, .multiplications = 10};
  const NetworkCost whole = {
      .weights_kb = 1, .activations_kb = 1, .multiplications = 40};
  EXPECT_DOUBLE_EQ(SavingOf(half, whole).memory, 0.5);
  EXPECT_DOUBLE_EQ(SavingOf(half, whole).multiplications, 0.75);
}

// The published solution for CIFAR-10 (methods.md 5), a row a layer with
// weights: 147.617 + 0.138 + 123.752 KB, 44.57 % and 57.17 % less than 8 bits.
constexpr LayerBits kPublished[] = {{10, 6, 6}, {5, 2, 6}, {6, 2, 6}, {5, 2, 6},
                                    {7, 1, 6},  {7, 2, 5}, {4, 1, 5}, {4, 1, 5},
                                    {4, 1, 5},  {3, 2, 4}, {4, 1, 7}, {3, 2, 6},
                                    {2, 1, 4},  {3, 1, 5}, {4, 1, 5}};

// Bits by layer of `graph`, and the graph.
std::vector<LayerBits> PublishedBits(const arch::Graph& graph) {
  std::vector<LayerBits> bits(graph.layers.size());
  size_t next = 0;
  for (size_t i = 0; i < bits.size(); ++i) {
    if (graph.layers[i].has_weights()) bits[i] = kPublished[next++];
  }
  EXPECT_EQ(next, std::size(kPublished));
  return bits;
}

arch::Graph GoyalSequential() {
  return arch::ExpandArchitecture(
             arch::PresetArchitecture("goyal_sequential", {}).value())
      .value();
}

// The published network does not pad its first convolution: its maps have 30,
// 15, 8 and 4 pixels where the preset's have 32, 16, 8 and 4.
arch::Graph AsPublished() {
  arch::Graph graph = GoyalSequential();
  for (arch::Layer& layer : graph.layers) {
    for (arch::FeatureShape* shape : {&layer.in, &layer.out}) {
      if (shape->size == 32) shape->size = 30;
      if (shape->size == 16) shape->size = 15;
    }
  }
  return graph;
}

TEST(CostTest, ThePublishedSolutionHasThePublishedMemory) {
  const arch::Graph graph = AsPublished();
  const NetworkCost cost = CostOf(graph, PublishedBits(graph));
  EXPECT_NEAR(cost.weights_kb, 147.617, 5e-4);
  EXPECT_NEAR(cost.biases_kb, 0.138, 5e-4);
  EXPECT_NEAR(cost.activations_kb, 123.752, 5e-4);
  const Saving saving = SavingOf(cost, EightBitCost(graph));
  EXPECT_NEAR(saving.memory, 0.4457, 5e-5);
  EXPECT_NEAR(saving.multiplications, 0.5717, 5e-5);
}

// On the preset the same bits are 139.130 KB of activations, and save nearly
// the same shares.
TEST(CostTest, ThePresetHasTheWeightMemoryToo) {
  const arch::Graph graph = GoyalSequential();
  const NetworkCost cost = CostOf(graph, PublishedBits(graph));
  EXPECT_NEAR(cost.weights_kb, 147.617, 5e-4);
  EXPECT_NEAR(cost.biases_kb, 0.138, 5e-4);
  // 32 channels of 32 x 32 four times at 6 bits, and so on, by hand.
  const double bits = 32768.0 * 24 + 8192.0 * 11 + 16384.0 * 10 +
                      4096.0 * (5 + 4 + 7 + 6) + 1024.0 * 9 + 50;
  EXPECT_NEAR(cost.activations_kb, bits / 8192, 1e-9);
}

}  // namespace
}  // namespace frostnas::quant
