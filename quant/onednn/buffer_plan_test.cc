#include "quant/onednn/buffer_plan.h"

#include <cstdint>
#include <numeric>
#include <set>
#include <vector>

#include "arch/graph.h"
#include "gtest/gtest.h"
#include "quant/layer_params.h"
#include "quant/testing/architectures.h"

namespace frostnas::quant {
namespace {

bool IsDropout(const arch::Graph& graph, int index) {
  return index != arch::kGraphInput &&
         graph.layers[index].kind == arch::LayerKind::kDropout;
}

// Plays the network: each buffer holds the tensor written last, and every
// layer must find its inputs there.
void ExpectInputsAreIntact(const arch::Graph& graph, const BufferPlan& plan) {
  std::vector<int> holds(plan.buffer_bytes.size(), -2);
  holds[plan.buffer[0]] = arch::kGraphInput;
  for (int i = 0; i < static_cast<int>(graph.layers.size()); ++i) {
    for (int input : graph.layers[i].inputs) {
      EXPECT_EQ(holds[plan.buffer[input + 1]], input)
          << graph.layers[i].name << " reads an overwritten tensor";
      if (!IsDropout(graph, i)) {
        EXPECT_NE(plan.buffer[input + 1], plan.buffer[i + 1])
            << graph.layers[i].name << " overwrites its own input";
      }
    }
    holds[plan.buffer[i + 1]] = i;
    EXPECT_GE(plan.buffer_bytes[plan.buffer[i + 1]],
              Elements(graph.layers[i].out));
  }
}

TEST(BufferPlanTest, NoTensorIsOverwrittenBeforeItsLastReader) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const arch::Graph graph =
        arch::ExpandArchitecture(RandomArchitecture(seed)).value();
    ExpectInputsAreIntact(graph, PlanBuffers(graph, /*keep_all=*/false));
  }
}

TEST(BufferPlanTest, SharingNeedsLessThanHalfOfTheMemory) {
  const arch::Graph graph =
      arch::ExpandArchitecture(EveryLayerArchitecture()).value();
  const auto total = [&](bool keep_all) {
    const BufferPlan plan = PlanBuffers(graph, keep_all);
    return std::accumulate(plan.buffer_bytes.begin(), plan.buffer_bytes.end(),
                           int64_t{0});
  };
  EXPECT_LT(2 * total(false), total(true));
}

TEST(BufferPlanTest, KeepAllGivesEveryTensorItsOwn) {
  const arch::Graph graph =
      arch::ExpandArchitecture(EveryLayerArchitecture()).value();
  const BufferPlan plan = PlanBuffers(graph, /*keep_all=*/true);
  int dropouts = 0;
  for (const arch::Layer& layer : graph.layers) {
    dropouts += layer.kind == arch::LayerKind::kDropout ? 1 : 0;
  }
  const std::set<int> buffers(plan.buffer.begin(), plan.buffer.end());
  EXPECT_EQ(buffers.size() + dropouts, graph.layers.size() + 1);
}

}  // namespace
}  // namespace frostnas::quant
