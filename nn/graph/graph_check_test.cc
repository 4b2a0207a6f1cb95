#include "nn/graph/graph_check.h"

#include <functional>
#include <ostream>
#include <string>

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::nn {
namespace {

using arch::LayerKind;
using ::testing::HasSubstr;

// conv -> depthwise -> add with the convolution -> pool -> linear.
arch::Graph GoodGraph() {
  arch::Graph graph;
  graph.input = {8, 3};
  graph.num_classes = 5;
  graph.layers = {{.name = "conv",
                   .kind = LayerKind::kConv,
                   .inputs = {arch::kGraphInput},
                   .in = {8, 3},
                   .out = {8, 16},
                   .kernel = 3,
                   .batch_norm = true,
                   .activation = v1::ACTIVATION_RELU},
                  {.name = "dw",
                   .kind = LayerKind::kDepthwise,
                   .inputs = {0},
                   .in = {8, 16},
                   .out = {8, 16},
                   .kernel = 5,
                   .batch_norm = true,
                   .activation = v1::ACTIVATION_RELU},
                  {.name = "add",
                   .kind = LayerKind::kAdd,
                   .inputs = {1, 0},
                   .in = {8, 16},
                   .out = {8, 16}},
                  {.name = "pool",
                   .kind = LayerKind::kGlobalPool,
                   .inputs = {2},
                   .in = {8, 16},
                   .out = {1, 16},
                   .pool = v1::GLOBAL_POOL_AVERAGE},
                  {.name = "fc",
                   .kind = LayerKind::kLinear,
                   .inputs = {3},
                   .in = {1, 16},
                   .out = {1, 5}}};
  return graph;
}

TEST(GraphCheckTest, AcceptsAGoodGraph) {
  EXPECT_OK(CheckTrainable(GoodGraph()));
}

struct Damage {
  const char* name;
  std::function<void(arch::Graph&)> apply;
  const char* message;
};

void PrintTo(const Damage& damage, std::ostream* os) { *os << damage.name; }

class DamagedGraphTest : public testing::TestWithParam<Damage> {};

TEST_P(DamagedGraphTest, IsRefusedByLayerAndReason) {
  arch::Graph graph = GoodGraph();
  GetParam().apply(graph);
  EXPECT_THAT(CheckTrainable(graph),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Damages, DamagedGraphTest,
    testing::Values(
        Damage{"Empty", [](arch::Graph& g) { g.layers.clear(); }, "no layers"},
        Damage{"MissingInput", [](arch::Graph& g) { g.layers[2].inputs = {1}; },
               "layer add: has 1 inputs, needs 2"},
        Damage{"LaterInput", [](arch::Graph& g) { g.layers[1].inputs = {1}; },
               "layer dw: input 1 is not an earlier layer"},
        Damage{"NegativeInput",
               [](arch::Graph& g) { g.layers[1].inputs = {-2}; },
               "layer dw: input -2"},
        Damage{"WrongProducer",
               [](arch::Graph& g) { g.layers[1].in.channels = 8; },
               "layer dw: expects 8x8x8 but gets 8x8x16"},
        Damage{"EvenKernel", [](arch::Graph& g) { g.layers[0].kernel = 2; },
               "layer conv: kernel must be odd"},
        Damage{"NoStride", [](arch::Graph& g) { g.layers[0].stride = 0; },
               "layer conv: kernel and stride must be positive"},
        Damage{"NoActivation",
               [](arch::Graph& g) {
                 g.layers[0].activation = v1::ACTIVATION_UNSPECIFIED;
               },
               "layer conv: activation"},
        Damage{"WrongOutput", [](arch::Graph& g) { g.layers[1].out.size = 4; },
               "layer dw: gives 8x8x16 but declares 4x4x16"},
        Damage{"UnfitAddends",
               [](arch::Graph& g) {
                 g.layers[2].inputs = {1, arch::kGraphInput};
               },
               "layer add: inputs 8x8x16 and 8x8x3"},
        Damage{"NoPool",
               [](arch::Graph& g) {
                 g.layers[3].pool = v1::GLOBAL_POOL_UNSPECIFIED;
               },
               "layer pool: pool must be"},
        Damage{"SameNames", [](arch::Graph& g) { g.layers[1].name = "conv"; },
               "name is used twice"},
        Damage{"Unused", [](arch::Graph& g) { g.layers[3].inputs = {1}; },
               "layer add: output is not used"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace frostnas::nn
