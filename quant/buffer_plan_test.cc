#include "quant/buffer_plan.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "arch/graph.h"
#include "gtest/gtest.h"
#include "quant/layer_params.h"
#include "quant/testing/architectures.h"

namespace frostnas::quant {
namespace {

bool MovesOnly(const arch::Layer& layer) {
  return layer.kind == arch::LayerKind::kDropout ||
         layer.kind == arch::LayerKind::kConcat;
}

// A tensor's pixel: of each value, which layer made it and as which channel.
using Pixel = std::vector<std::pair<int, int>>;

Pixel PixelOf(const arch::Graph& graph, int index) {
  Pixel pixel;
  if (index != arch::kGraphInput && MovesOnly(graph.layers[index])) {
    for (int input : graph.layers[index].inputs) {
      const Pixel part = PixelOf(graph, input);
      pixel.insert(pixel.end(), part.begin(), part.end());
    }
    return pixel;
  }
  for (int c = 0; c < ShapeOf(graph, index).channels; ++c) {
    pixel.emplace_back(index, c);
  }
  return pixel;
}

// Plays the network on one pixel a buffer: every layer must find its inputs.
class Play {
 public:
  Play(const arch::Graph& graph, const BufferPlan& plan)
      : graph_(graph), plan_(plan), buffers_(plan.buffer_bytes.size()) {
    Write(arch::kGraphInput);
  }

  void Run(int index) {
    const arch::Layer& layer = graph_.layers[index];
    for (int input : layer.inputs) {
      EXPECT_TRUE(Holds(input)) << layer.name << " reads an overwritten tensor";
      EXPECT_TRUE(MovesOnly(layer) || !Overlap(input, index))
          << layer.name << " overwrites its own input";
    }
    Write(index);
    const int64_t positions = int64_t{layer.out.size} * layer.out.size;
    EXPECT_GE(plan_.buffer_bytes[plan_.buffer[index + 1]],
              positions * plan_.slice[index + 1].stride);
  }

 private:
  bool Overlap(int a, int b) const {
    const auto end = [this](int index) {
      return plan_.slice[index + 1].offset + ShapeOf(graph_, index).channels;
    };
    return plan_.buffer[a + 1] == plan_.buffer[b + 1] &&
           plan_.slice[a + 1].offset < end(b) &&
           plan_.slice[b + 1].offset < end(a);
  }
  Pixel::iterator PlaceOf(int index) {
    Pixel& buffer = buffers_[plan_.buffer[index + 1]];
    const Slice& slice = plan_.slice[index + 1];
    buffer.resize(std::max<size_t>(buffer.size(), slice.stride));
    return buffer.begin() + slice.offset;
  }
  bool Holds(int index) {
    const Pixel pixel = PixelOf(graph_, index);
    return std::equal(pixel.begin(), pixel.end(), PlaceOf(index));
  }
  void Write(int index) {
    const Pixel pixel = PixelOf(graph_, index);
    std::copy(pixel.begin(), pixel.end(), PlaceOf(index));
  }

  const arch::Graph& graph_;
  const BufferPlan& plan_;
  std::vector<Pixel> buffers_;
};

TEST(BufferPlanTest, NoTensorIsOverwrittenBeforeItsLastReader) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const arch::Graph graph =
        arch::ExpandArchitecture(RandomArchitecture(seed)).value();
    for (bool join_concats : {false, true}) {
      const BufferPlan plan =
          PlanBuffers(graph, {.join_concats = join_concats});
      Play play(graph, plan);
      for (size_t i = 0; i < graph.layers.size(); ++i) {
        play.Run(static_cast<int>(i));
      }
    }
  }
}

// The squeeze before it always, its input where no residual adds it.
TEST(BufferPlanTest, ConcatenationsAreJoinedWhereTheyLie) {
  int joined = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const arch::Graph graph =
        arch::ExpandArchitecture(RandomArchitecture(seed)).value();
    const BufferPlan plan = PlanBuffers(graph, {.join_concats = true});
    for (size_t i = 0; i < graph.layers.size(); ++i) {
      const arch::Layer& layer = graph.layers[i];
      if (layer.kind != arch::LayerKind::kConcat) continue;
      const Slice& squeezed = plan.slice[layer.inputs[0] + 1];
      EXPECT_EQ(plan.buffer[layer.inputs[0] + 1], plan.buffer[i + 1]);
      EXPECT_EQ(squeezed.offset, 0);
      EXPECT_EQ(squeezed.stride, layer.out.channels);
      const Slice& input = plan.slice[layer.inputs[1] + 1];
      if (input.stride != layer.out.channels) continue;
      EXPECT_EQ(input.offset, layer.in.channels);
      ++joined;
    }
  }
  EXPECT_GT(joined, 0);
}

TEST(BufferPlanTest, SharingNeedsLessThanHalfOfTheMemory) {
  const arch::Graph graph =
      arch::ExpandArchitecture(EveryLayerArchitecture()).value();
  const auto total = [&](bool keep_all) {
    const BufferPlan plan = PlanBuffers(graph, {.keep_all = keep_all});
    return std::accumulate(plan.buffer_bytes.begin(), plan.buffer_bytes.end(),
                           int64_t{0});
  };
  EXPECT_LT(2 * total(false), total(true));
}

TEST(BufferPlanTest, KeepAllGivesEveryTensorItsOwn) {
  const arch::Graph graph =
      arch::ExpandArchitecture(EveryLayerArchitecture()).value();
  const BufferPlan plan = PlanBuffers(graph, {.keep_all = true});
  int dropouts = 0;
  for (const arch::Layer& layer : graph.layers) {
    dropouts += layer.kind == arch::LayerKind::kDropout ? 1 : 0;
  }
  const std::set<int> buffers(plan.buffer.begin(), plan.buffer.end());
  EXPECT_EQ(buffers.size() + dropouts, graph.layers.size() + 1);
}

}  // namespace
}  // namespace frostnas::quant
