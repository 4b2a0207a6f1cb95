#include "quant/onednn/buffer_plan.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "quant/layer_params.h"

namespace frostnas::quant {
namespace {

class Planner {
 public:
  Planner(const arch::Graph& graph, bool keep_all)
      : graph_(graph), keep_all_(keep_all) {
    FindLastReaders();
  }

  BufferPlan Plan() {
    plan_.buffer.push_back(Take(Elements(graph_.input)));
    for (size_t i = 0; i < graph_.layers.size(); ++i) {
      const arch::Layer& layer = graph_.layers[i];
      if (layer.kind == arch::LayerKind::kDropout) {
        plan_.buffer.push_back(plan_.buffer[layer.inputs[0] + 1]);
      } else {
        plan_.buffer.push_back(Take(Elements(layer.out)));
      }
      Release(static_cast<int>(i));
    }
    return plan_;
  }

 private:
  // The tensor whose memory `tensor` (layer index + 1) uses.
  int Owner(int tensor) const {
    while (tensor > 0 &&
           graph_.layers[tensor - 1].kind == arch::LayerKind::kDropout) {
      tensor = graph_.layers[tensor - 1].inputs[0] + 1;
    }
    return tensor;
  }

  void FindLastReaders() {
    const int count = static_cast<int>(graph_.layers.size());
    last_reader_.assign(count + 1, -1);
    for (int i = 0; i < count; ++i) {
      last_reader_[Owner(i + 1)] = std::max(last_reader_[Owner(i + 1)], i);
      for (int input : graph_.layers[i].inputs) {
        last_reader_[Owner(input + 1)] = i;
      }
    }
    // The network's output is read by the caller.
    last_reader_[Owner(count)] = count;
  }

  // The buffer that was freed last (still in cache), grown when needed.
  int Take(int64_t bytes) {
    if (free_.empty()) {
      plan_.buffer_bytes.push_back(bytes);
      return static_cast<int>(plan_.buffer_bytes.size()) - 1;
    }
    const int buffer = free_.back();
    free_.pop_back();
    plan_.buffer_bytes[buffer] = std::max(plan_.buffer_bytes[buffer], bytes);
    return buffer;
  }

  // Frees what layer `layer` was the last to read.
  void Release(int layer) {
    if (keep_all_) return;
    for (int tensor = 0; tensor <= layer + 1; ++tensor) {
      if (last_reader_[tensor] != layer || Owner(tensor) != tensor) continue;
      free_.push_back(plan_.buffer[tensor]);
    }
  }

  const arch::Graph& graph_;
  bool keep_all_;
  std::vector<int> last_reader_;  // by tensor
  std::vector<int> free_;
  BufferPlan plan_;
};

}  // namespace

BufferPlan PlanBuffers(const arch::Graph& graph, bool keep_all) {
  return Planner(graph, keep_all).Plan();
}

}  // namespace frostnas::quant
