#include "quant/quantized_graph.h"

#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "arch/graph.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "quant/executor.h"
#include "quant/testing/agreement.h"
#include "quant/testing/architectures.h"

namespace frostnas::quant {
namespace {

using ::testing::HasSubstr;

QuantizedGraph TestGraph() {
  return RandomQuantizedGraph(
      arch::ExpandArchitecture(EveryLayerArchitecture()).value(), 1);
}

int FirstOf(const QuantizedGraph& quantized, arch::LayerKind kind) {
  int index = 0;
  while (quantized.graph.layers[index].kind != kind) ++index;
  return index;
}

TEST(RandomQuantizedGraphTest, IsValidAndTheSameForASeed) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const arch::Graph graph =
        arch::ExpandArchitecture(RandomArchitecture(seed)).value();
    const QuantizedGraph a = RandomQuantizedGraph(graph, seed);
    const QuantizedGraph b = RandomQuantizedGraph(graph, seed);
    EXPECT_OK(ValidateQuantizedGraph(a));
    for (size_t i = 0; i < a.layers.size(); ++i) {
      EXPECT_EQ(a.layers[i].SerializeAsString(),
                b.layers[i].SerializeAsString());
    }
  }
}

// A comparison of executors on outputs that are all saturated would say
// nothing: most values lie inside of the grid, and many differ.
TEST(RandomQuantizedGraphTest, OutputsFillTheirGrids) {
  const QuantizedGraph quantized = TestGraph();
  ASSERT_OK_AND_ASSIGN(const auto executor, CreateReferenceExecutor(quantized));
  executor->RunQuantized(RandomInput(quantized, 2, 5), 2);
  for (size_t i = 0; i < quantized.layers.size(); ++i) {
    const auto& layer = quantized.graph.layers[i];
    if (!layer.has_weights()) continue;
    double sum = 0, squares = 0;
    const auto output = executor->layer_output(static_cast<int>(i));
    for (uint8_t value : output) {
      sum += value;
      squares += static_cast<double>(value) * value;
    }
    const double mean = sum / output.size();
    EXPECT_GT(std::sqrt(squares / output.size() - mean * mean), 6)
        << layer.name;
  }
}

// What is wrong with a graph, and what the refusal says.
struct Spoiling {
  const char* message;
  std::function<void(QuantizedGraph&)> spoil;
};

void ExpectRefusal(const Spoiling& c) {
  QuantizedGraph quantized = TestGraph();
  c.spoil(quantized);
  EXPECT_THAT(
      ValidateQuantizedGraph(quantized),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.message)));
}

TEST(ValidateQuantizedGraphTest, RefusesWhatExecutorsCannotRun) {
  const Spoiling cases[] = {
      {"its architecture has", [](auto& q) { q.layers.pop_back(); }},
      {"expected \"b1.conv\"", [](auto& q) { q.layers[0].set_name("x"); }},
      {"bytes; its shape needs",
       [](auto& q) { q.layers[0].mutable_weights()->pop_back(); }},
      {"output channels", [](auto& q) { q.layers[0].add_bias(1); }},
      {"the weight -128",
       [](auto& q) { (*q.layers[0].mutable_weights())[3] = '\x80'; }},
      {"weight_scale[2]", [](auto& q) { q.layers[0].set_weight_scale(2, 0); }},
      {"weight_scale[2]",
       [](auto& q) { q.layers[0].set_weight_scale(2, INFINITY); }},
      {"weight_scale[0]",
       [](auto& q) { q.layers[0].set_weight_scale(0, 1e-38f); }},
      {"overflow 32 bits", [](auto& q) { q.layers[0].set_bias(0, INT32_MIN); }},
      {"output.scale",
       [](auto& q) { q.layers[0].mutable_output()->set_scale(NAN); }},
      {"output.zero_point",
       [](auto& q) { q.layers[0].mutable_output()->set_zero_point(256); }},
      {"has weights, but",
       [](auto& q) {
         q.layers[FirstOf(q, arch::LayerKind::kAdd)].set_weights("x");
       }},
      {"differs from its input's grid",
       [](auto& q) {
         q.layers[FirstOf(q, arch::LayerKind::kConcat)]
             .mutable_output()
             ->set_scale(1);
       }},
      {"out of proportion",
       [](auto& q) {
         q.layers[FirstOf(q, arch::LayerKind::kAdd)]
             .mutable_output()
             ->set_scale(1e30f);
       }},
  };
  for (const Spoiling& c : cases) ExpectRefusal(c);
}

TEST(ValidateQuantizedGraphTest, RefusesBoundsThatDoNotFit) {
  const Spoiling cases[] = {
      {"normalises after its activation",
       [](auto& q) { q.graph.layers[0].norm_after_activation = true; }},
      {"low has 2 bounds; it must have 0, 1 or 16",
       [](auto& q) { q.layers[0].set_low("ab"); }},
      {"high has 17 bounds",
       [](auto& q) { q.layers[0].set_high(std::string(17, 'a')); }},
      {"low is 200 and high is 199 in channel 3",
       [](auto& q) {
         q.layers[0].set_low("\xc8");
         q.layers[0].set_high(std::string(3, '\xff') + std::string(13, '\xc7'));
       }},
      {"has bounds, but only moves values",
       [](auto& q) {
         q.layers[FirstOf(q, arch::LayerKind::kConcat)].set_high("x");
       }},
  };
  for (const Spoiling& c : cases) ExpectRefusal(c);
}

}  // namespace
}  // namespace frostnas::quant
