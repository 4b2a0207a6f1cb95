#include "arch/cost.h"

#include <gtest/gtest.h>

#include <cmath>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "arch/graph.h"
#include "arch/presets.h"
#include "base/status_matchers.h"

namespace frostnas::arch {
namespace {

Layer MakeLayer(LayerKind kind, FeatureShape in, FeatureShape out) {
  Layer layer;
  layer.kind = kind;
  layer.in = in;
  layer.out = out;
  return layer;
}

TEST(LayerCostTest, CountsAConvolutionWithBatchNorm) {
  Layer conv = MakeLayer(LayerKind::kConv, {8, 3}, {4, 16});
  conv.kernel = 3;
  conv.stride = 2;
  conv.batch_norm = true;
  // 3 * 3 * 3 * 16 = 432 weights at 4 * 4 places.
  EXPECT_EQ(LayerCost(conv), (Cost{.params = 432 + 32,
                                   .macs = 432 * 16,
                                   .package_bytes = 432 + 16 * 8}));
}

TEST(LayerCostTest, CountsBiasWithoutBatchNormAndBothAroundAnActivation) {
  Layer conv = MakeLayer(LayerKind::kConv, {1, 5}, {1, 7});
  EXPECT_EQ(LayerCost(conv).params, 35 + 7);
  conv.batch_norm = true;
  conv.norm_after_activation = true;
  EXPECT_EQ(LayerCost(conv).params, 35 + 7 + 14);
}

TEST(LayerCostTest, CountsOneFilterAChannelInDepthwise) {
  Layer depthwise = MakeLayer(LayerKind::kDepthwise, {6, 10}, {6, 10});
  depthwise.kernel = 5;
  EXPECT_EQ(LayerCost(depthwise),
            (Cost{.params = 260, .macs = 9000, .package_bytes = 250 + 80}));
}

TEST(LayerCostTest, CountsTheClassifierAndNothingForPooling) {
  EXPECT_EQ(LayerCost(MakeLayer(LayerKind::kLinear, {1, 20}, {1, 10})),
            (Cost{.params = 210, .macs = 200, .package_bytes = 200 + 80}));
  EXPECT_EQ(LayerCost(MakeLayer(LayerKind::kGlobalPool, {7, 20}, {1, 20})),
            Cost());
  EXPECT_EQ(LayerCost(MakeLayer(LayerKind::kAdd, {7, 20}, {7, 20})), Cost());
}

Graph Preset(const std::string& name, double width, int input_size,
             int classes) {
  const auto architecture = PresetArchitecture(
      name, {.width = width, .input_size = input_size, .num_classes = classes});
  EXPECT_OK(architecture);
  if (!architecture.ok()) return {};
  return *ExpandArchitecture(*architecture);
}

// FrostNet at 224 px and 1000 classes. Thousandths of a million parameters and
// tenths of a million MACs, rounded; published FLOPs in millions, cut off
// after the point (0: not published).
struct Golden {
  const char* preset;
  double width;
  int64_t kilo_params;
  int64_t deci_mega_macs;
  int published_mega_flops;
};

constexpr Golden kGolden[] = {
    {"frostnet_small", 0.35, 1838, 561, 0},
    {"frostnet_small", 0.5, 2352, 1006, 100},
    {"frostnet_small", 0.75, 3477, 2116, 211},
    {"frostnet_small", 1.0, 4859, 3153, 315},
    {"frostnet_small", 1.25, 6749, 5045, 0},
    {"frostnet_base", 0.35, 1851, 640, 0},
    {"frostnet_base", 0.5, 2380, 1127, 112},
    {"frostnet_base", 0.75, 3530, 2445, 0},
    {"frostnet_base", 1.0, 5002, 3629, 362},
    {"frostnet_base", 1.25, 6939, 5824, 582},
    {"frostnet_large", 0.35, 1959, 713, 0},
    {"frostnet_large", 0.5, 2603, 1317, 141},
    {"frostnet_large", 0.75, 4038, 2865, 302},
    {"frostnet_large", 1.0, 5807, 4308, 449},
    {"frostnet_large", 1.25, 8221, 6926, 717},
};

// The rows with published FLOPs, of Large or of the others.
std::vector<Golden> Published(bool large) {
  std::vector<Golden> rows;
  for (const Golden& row : kGolden) {
    const bool is_large = absl::string_view(row.preset) == "frostnet_large";
    if (row.published_mega_flops > 0 && is_large == large) rows.push_back(row);
  }
  return rows;
}

Cost CostOf(const Golden& row) {
  return GraphCost(Preset(row.preset, row.width, 224, 1000));
}

TEST(GoldenCostTest, FrostNetsEqualTheTableToTheDigit) {
  for (const Golden& row : kGolden) {
    const Cost cost = CostOf(row);
    EXPECT_EQ(std::llround(cost.params / 1e3), row.kilo_params)
        << row.preset << " " << row.width;
    EXPECT_EQ(std::llround(cost.macs / 1e5), row.deci_mega_macs)
        << row.preset << " " << row.width;
  }
}

TEST(GoldenCostTest, SmallAndBaseEqualThePublishedFlops) {
  const std::vector<Golden> rows = Published(/*large=*/false);
  ASSERT_EQ(rows.size(), 6u);
  for (const Golden& row : rows) {
    EXPECT_EQ(CostOf(row).macs / 1000000, row.published_mega_flops)
        << row.preset << " " << row.width;
  }
}

// A known discrepancy of the paper: for Large it prints FLOPs 3.5 to 7 % above
// those of its released configuration, while parameters agree. We report our
// own count; this keeps the discrepancy named.
TEST(GoldenCostTest, LargeStaysBelowThePublishedFlops) {
  const std::vector<Golden> rows = Published(/*large=*/true);
  ASSERT_EQ(rows.size(), 4u);
  for (const Golden& row : rows) {
    const double excess = row.published_mega_flops * 1e6 / CostOf(row).macs - 1;
    EXPECT_GT(excess, 0.034) << row.width;
    EXPECT_LT(excess, 0.071) << row.width;
  }
}

Cost BlockCost(const Graph& graph, const std::string& block) {
  Cost total;
  for (const Layer& layer : graph.layers) {
    if (layer.name.starts_with(block + ".")) total += LayerCost(layer);
  }
  return total;
}

TEST(GoldenBlockTest, FrostNetSmallHasThePublishedBlocks) {
  const Graph graph = Preset("frostnet_small", 1.0, 224, 1000);
  // Both by hand from rows 5,192,6,4,2 (from 96 channels) and 5,320,6,2,1.
  const Cost down = BlockCost(graph, "s5b0");
  EXPECT_EQ(down.params, 248256);
  EXPECT_EQ(down.macs, 25041744);
  const Cost last = BlockCost(graph, "s6b0");
  EXPECT_EQ(last.params, 1120000);
  EXPECT_EQ(last.macs, 54500544);
}

// Counts of the reference implementations: 4.2 M and 569 M as the MobileNet
// paper prints them, and torchvision's for MobileNetV2.
TEST(GoldenCostTest, MobileNetsHaveTheirWellKnownCounts) {
  const Cost v1 = GraphCost(Preset("mobilenet_v1", 1.0, 224, 1000));
  EXPECT_EQ(v1.params, 4231976);
  EXPECT_EQ(v1.macs / 1000000, 568);
  EXPECT_EQ(std::llround(v1.macs / 1e6), 569);
  const Cost v2 = GraphCost(Preset("mobilenet_v2", 1.0, 224, 1000));
  EXPECT_EQ(v2.params, 3504872);
  EXPECT_EQ(v2.macs, 300774272);
}

// Without batch norm a depthwise convolution has a bias: as many multiplies,
// one parameter a channel less.
TEST(GoldenCostTest, QuantizationFriendlyFormCostsTheSameMultiplies) {
  const Graph original = Preset("mobilenet_v1", 1.0, 224, 1000);
  const Graph friendly = Preset("qf_mobilenet_v1", 1.0, 224, 1000);
  int64_t depthwise_channels = 0;
  for (const Layer& layer : original.layers) {
    if (layer.kind == LayerKind::kDepthwise) {
      depthwise_channels += layer.out.channels;
    }
  }
  EXPECT_EQ(GraphCost(friendly).macs, GraphCost(original).macs);
  EXPECT_EQ(GraphCost(friendly).params,
            GraphCost(original).params - depthwise_channels);
}

// Images of 32 px keep stride 1 in stem and stage 1. With the stem alone it
// would be 8.1 M multiplies and a last feature map of 2 x 2.
TEST(GoldenCostTest, FrostNetSmallHalfWidthAtThirtyTwoPixels) {
  const Graph graph = Preset("frostnet_small", 0.5, 32, 10);
  EXPECT_EQ(graph.layers.front().stride, 1);
  EXPECT_EQ(graph.layers.back().in.channels, 1280);
  EXPECT_EQ(GraphCost(graph).macs, 29683200 + 12800);
  EXPECT_EQ(GraphCost(graph).params, 1083706);
}

// The weight memory of the published bit-widths of the Sequential network,
// 147.617 KB, recomputed from our layers.
TEST(GoldenCostTest, GoyalSequentialHasThePublishedWeightMemory) {
  const int bits[] = {10, 5, 6, 5, 7, 7, 4, 4, 4, 3, 4, 3, 2, 3, 4};
  const Graph graph = Preset("goyal_sequential", 1.0, 32, 10);
  int64_t total_bits = 0;
  size_t next = 0;
  for (const Layer& layer : graph.layers) {
    if (!layer.has_weights()) continue;
    ASSERT_LT(next, std::size(bits));
    const int64_t weights = LayerCost(layer).params -
                            (layer.batch_norm ? 3 : 1) * layer.out.channels;
    total_bits += bits[next++] * weights;
  }
  EXPECT_EQ(next, std::size(bits));
  EXPECT_NEAR(total_bits / 8.0 / 1024, 147.617, 0.0005);
}

}  // namespace
}  // namespace frostnas::arch
