#include "quant/methods/network/integer_layers.h"

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "arch/graph.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/network.h"
#include "nn/threads.h"
#include "quant/convert.h"
#include "quant/executor.h"
#include "quant/grid.h"
#include "quant/grid_groups.h"
#include "quant/package.h"
#include "quant/testing/architectures.h"
#include "quant/testing/float_network.h"

namespace frostnas::quant {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;

// A linear layer of 2 inputs and 2 outputs.
arch::Layer Linear2x2() {
  arch::Layer layer;
  layer.name = "fc";
  layer.kind = arch::LayerKind::kLinear;
  layer.in = {1, 2};
  layer.out = {1, 2};
  return layer;
}

const FoldedLayer kTwo = {.weights = {1.27f, -0.635f, 0.0127f, 0.254f},
                          .bias = {0.5f, -1}};

TEST(MaxScalesTest, OneAChannelOrOneForAll) {
  EXPECT_THAT(MaxScales(Linear2x2(), kTwo, WeightGranularity::kPerChannel, 8),
              ElementsAre(FloatEq(0.01f), FloatEq(0.002f)));
  EXPECT_THAT(MaxScales(Linear2x2(), kTwo, WeightGranularity::kPerTensor, 8),
              ElementsAre(FloatEq(0.01f), FloatEq(0.01f)));
  EXPECT_THAT(MaxScales(Linear2x2(), kTwo, WeightGranularity::kPerTensor, 4),
              Each(FloatEq(1.27f / 7)));
}

TEST(MaxScalesTest, FiltersOfZerosGetAUsableScale) {
  const FoldedLayer zeros = {.weights = {0, 0, 1e-44f, 0}, .bias = {0, 0}};
  for (const auto granularity :
       {WeightGranularity::kPerChannel, WeightGranularity::kPerTensor}) {
    EXPECT_THAT(MaxScales(Linear2x2(), zeros, granularity, 8), Each(1));
  }
}

TEST(RoundWeightsTest, RoundsHalfToEvenAndClips) {
  const QuantizedWeights quantized =
      RoundWeights(Linear2x2(), kTwo, {0.01f, 0.001f}, 8);
  EXPECT_THAT(quantized.weights, ElementsAre(127, -64, 13, 127));
  EXPECT_THAT(quantized.bias, ElementsAre(0.5f, -1));
  EXPECT_THAT(Dequantize(Linear2x2(), quantized),
              ElementsAre(FloatEq(1.27f), FloatEq(-0.64f), FloatEq(0.013f),
                          FloatEq(0.127f)));
}

TEST(RoundWeightsTest, DepthwiseChannelsLieSideBySide) {
  arch::Layer layer;
  layer.kind = arch::LayerKind::kDepthwise;
  layer.kernel = 1;
  layer.in = layer.out = {4, 2};
  const FoldedLayer folded = {.weights = {1, 2}, .bias = {0, 0}};
  EXPECT_THAT(RoundWeights(layer, folded, {0.5f, 0.25f}, 8).weights,
              ElementsAre(2, 8));
}

// Min-max scales of the folded weights, and a grid that suits nothing in
// particular but is right for its group.
QuantizationPlan PlanOf(const FoldedNetwork& folded,
                        WeightGranularity granularity) {
  QuantizationPlan plan;
  const GridGroups groups(folded.graph);
  const auto grid = [&](int i) {
    const float reach = 2 + static_cast<float>(groups.group(i));
    return OutputGrid{ChooseGrid(-reach, reach, 8)};
  };
  plan.input = grid(arch::kGraphInput);
  for (size_t i = 0; i < folded.layers.size(); ++i) {
    const arch::Layer& layer = folded.graph.layers[i];
    plan.outputs.push_back(grid(static_cast<int>(i)));
    plan.layers.emplace_back();
    if (!layer.has_weights()) continue;
    plan.layers.back() =
        RoundWeights(layer, folded.layers[i],
                     MaxScales(layer, folded.layers[i], granularity, 8), 8);
  }
  return plan;
}

struct Fixture {
  explicit Fixture(const v1::Architecture& architecture)
      : trained(RandomFloatNetwork(architecture, 3)),
        folded(Fold(trained).value()),
        plan(PlanOf(folded, WeightGranularity::kPerChannel)) {}

  v1::FloatNetwork trained;
  FoldedNetwork folded;
  QuantizationPlan plan;
};

// How far two packages' integers are apart.
struct Apart {
  int64_t values = 0;
  int64_t different = 0;
  int largest = 0;
};

Apart Compare(const v1::PackageLayer& a, const v1::PackageLayer& b) {
  Apart apart;
  for (size_t i = 0; i < a.weights().size(); ++i) {
    const int step = std::abs(static_cast<int8_t>(a.weights()[i]) -
                              static_cast<int8_t>(b.weights()[i]));
    ++apart.values;
    apart.different += step > 0;
    apart.largest = std::max(apart.largest, step);
  }
  return apart;
}

// Folding before quantization and after it differ by float rounding alone: a
// tie may fall to the other side.
TEST(AssembleTest, AgreesWithConversionOfTheTrainedNetwork) {
  for (const v1::Architecture& architecture :
       {EveryLayerArchitecture(), NormAfterActivationArchitecture()}) {
    const Fixture fixture(architecture);
    ASSERT_OK_AND_ASSIGN(const v1::Package package,
                         Assemble(fixture.folded, fixture.plan));
    ASSERT_OK_AND_ASSIGN(const QuantizedGraph converted,
                         ConvertGraph(fixture.folded.graph, fixture.trained,
                                      {.grid = [&](int i) {
                                        return ToProto(fixture.plan.grid(i));
                                      }}));
    for (int i = 0; i < package.layers_size(); ++i) {
      const v1::PackageLayer& actual = package.layers(i);
      const v1::PackageLayer& expected = converted.layers[i];
      SCOPED_TRACE(actual.name());
      const Apart apart = Compare(actual, expected);
      EXPECT_LE(apart.largest, 1);
      EXPECT_LE(apart.different, apart.values / 200);
      for (int c = 0; c < actual.bias_size(); ++c) {
        EXPECT_NEAR(actual.weight_scale(c), expected.weight_scale(c),
                    1e-5 * expected.weight_scale(c));
        EXPECT_NEAR(actual.bias(c), expected.bias(c),
                    1 + 1e-5 * std::abs(expected.bias(c)));
      }
      EXPECT_EQ(actual.low(), expected.low());
      EXPECT_EQ(actual.high(), expected.high());
    }
  }
}

TEST(AssembleTest, PackageIsWhatExecutorsRun) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const Fixture fixture(RandomArchitecture(seed));
    const QuantizationPlan plan =
        PlanOf(fixture.folded, WeightGranularity::kPerTensor);
    ASSERT_OK_AND_ASSIGN(const v1::Package package,
                         Assemble(fixture.folded, plan));
    EXPECT_OK(CreateOnednnExecutor(package));
  }
}

TEST(AssembleTest, FiltersOfZerosKeepTheirBias) {
  Fixture fixture(EveryLayerArchitecture());
  FoldedLayer& first = fixture.folded.layers[0];
  std::fill(first.weights.begin(), first.weights.end(), 0.0f);
  std::fill(first.bias.begin(), first.bias.end(), 0.75f);
  const QuantizationPlan plan =
      PlanOf(fixture.folded, WeightGranularity::kPerChannel);
  ASSERT_OK_AND_ASSIGN(const v1::Package package,
                       Assemble(fixture.folded, plan));
  const v1::PackageLayer& layer = package.layers(0);
  for (int c = 0; c < layer.bias_size(); ++c) {
    EXPECT_NEAR(
        layer.bias(c) * plan.input.grid.scale * double{layer.weight_scale(c)},
        0.75, 1e-6);
  }
}

TEST(AssembleTest, NarrowGridsBecomeBounds) {
  Fixture fixture(EveryLayerArchitecture());
  const GridGroups groups(fixture.folded.graph);
  // The first convolution's group: it is pooled and joined to others.
  for (size_t i = 0; i < fixture.plan.outputs.size(); ++i) {
    if (groups.group(static_cast<int>(i)) != groups.group(0)) continue;
    fixture.plan.outputs[i].grid = {
        .scale = 0.25f, .zero_point = 4, .qmin = 2, .qmax = 17};
  }
  ASSERT_OK_AND_ASSIGN(const v1::Package package,
                       Assemble(fixture.folded, fixture.plan));
  EXPECT_EQ(package.layers(0).low(), std::string(1, 2));
  EXPECT_EQ(package.layers(0).high(), std::string(1, 17));
  EXPECT_EQ(package.layers(1).low(), "");  // pooling moves
}

TEST(CheckPlanTest, RefusesAndNamesTheLayer) {
  const Fixture good(EveryLayerArchitecture());
  const std::string first = good.folded.graph.layers[0].name;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto refused = [&](const QuantizationPlan& plan,
                           const std::string& what) {
    EXPECT_THAT(Assemble(good.folded, plan),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(what)));
  };
  QuantizationPlan plan = good.plan;
  plan.layers[0].scale[1] = 0;
  refused(plan, first + "\": scale[1]");
  plan = good.plan;
  plan.layers[0].bias[0] = nan;
  refused(plan, first + "\": bias[0]");
  plan = good.plan;
  plan.layers[0].weights.pop_back();
  refused(plan, first);
  plan = good.plan;
  plan.layers[0].weights[0] = -128;
  refused(plan, "-128");
  plan = good.plan;
  plan.outputs[0].grid.scale = nan;
  refused(plan, first + "\": scale");
  plan = good.plan;
  plan.outputs[0].grid.scale *= 2;  // pooled
  refused(plan, first);
  plan = good.plan;
  plan.outputs.back().grid.zero_point = 256;
  refused(plan, "0..255");
  plan = good.plan;
  plan.input.grid.qmax = 15;
  refused(plan, "input");
  plan = good.plan;
  plan.outputs.pop_back();
  refused(plan, "output grids");
}

}  // namespace
}  // namespace frostnas::quant
