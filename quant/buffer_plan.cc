#include "quant/buffer_plan.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "quant/layer_params.h"

namespace frostnas::quant {
namespace {

// Convolutions and pools, which may read and write pixels with gaps.
bool KnowsStrides(arch::LayerKind kind) {
  switch (kind) {
    case arch::LayerKind::kConv:
    case arch::LayerKind::kDepthwise:
    case arch::LayerKind::kLinear:
    case arch::LayerKind::kMaxPool:
    case arch::LayerKind::kGlobalPool:
      return true;
    default:
      return false;
  }
}

// Tensors are named by layer index + 1; the input is 0.
class Planner {
 public:
  Planner(const arch::Graph& graph, const BufferOptions& options)
      : graph_(graph), keep_all_(options.keep_all) {
    FindOwners(options.join_concats && !options.keep_all);
    FindLastReaders();
  }

  BufferPlan Plan() {
    buffer_of_owner_.assign(owner_.size(), -1);
    PlanTensor(0);
    for (size_t i = 0; i < graph_.layers.size(); ++i) {
      PlanTensor(static_cast<int>(i) + 1);
      Release(static_cast<int>(i));
    }
    return plan_;
  }

 private:
  int ChannelsOf(int tensor) const {
    return ShapeOf(graph_, tensor - 1).channels;
  }

  void FindOwners(bool join_concats) {
    for (int tensor = 0; tensor <= static_cast<int>(graph_.layers.size());
         ++tensor) {
      owner_.push_back(tensor);
      plan_.slice.push_back({.stride = ChannelsOf(tensor)});
      if (tensor == 0) continue;
      const arch::Layer& layer = graph_.layers[tensor - 1];
      if (layer.kind == arch::LayerKind::kDropout) {
        owner_[tensor] = owner_[layer.inputs[0] + 1];
        plan_.slice[tensor] = plan_.slice[layer.inputs[0] + 1];
      }
      if (join_concats && layer.kind == arch::LayerKind::kConcat) {
        Join(tensor);
      }
    }
  }

  // Gives the concatenation's inputs their places in it, where they can be
  // there.
  void Join(int concat) {
    const std::vector<int>& inputs = graph_.layers[concat - 1].inputs;
    int offset = 0;
    for (int input : inputs) {
      const int tensor = input + 1;
      if (CanLieIn(concat, tensor)) {
        owner_[tensor] = concat;
        plan_.slice[tensor] = {.offset = offset, .stride = ChannelsOf(concat)};
      }
      offset += ChannelsOf(tensor);
    }
  }

  bool CanLieIn(int concat, int tensor) const {
    if (tensor == 0 || owner_[tensor] != tensor ||
        !KnowsStrides(graph_.layers[tensor - 1].kind)) {
      return false;
    }
    int uses = 0;
    for (size_t i = 0; i < graph_.layers.size(); ++i) {
      const arch::Layer& reader = graph_.layers[i];
      const int64_t reads =
          std::count(reader.inputs.begin(), reader.inputs.end(), tensor - 1);
      if (reads == 0) continue;
      if (static_cast<int>(i) + 1 == concat) {
        uses += static_cast<int>(reads);
      } else if (!KnowsStrides(reader.kind)) {
        return false;
      }
    }
    return uses == 1;
  }

  void FindLastReaders() {
    const int count = static_cast<int>(graph_.layers.size());
    last_reader_.assign(count + 1, -1);
    const auto used = [this](int tensor, int layer) {
      int& last = last_reader_[owner_[tensor]];
      last = std::max(last, layer);
    };
    for (int i = 0; i < count; ++i) {
      used(i + 1, i);
      for (int input : graph_.layers[i].inputs) used(input + 1, i);
    }
    // The network's output is read by the caller.
    used(count, count);
  }

  // The owner's buffer, taken at the first tensor that lies in it.
  void PlanTensor(int tensor) {
    const int owner = owner_[tensor];
    if (buffer_of_owner_[owner] < 0) {
      buffer_of_owner_[owner] = Take(Elements(ShapeOf(graph_, owner - 1)));
    }
    plan_.buffer.push_back(buffer_of_owner_[owner]);
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
      if (last_reader_[tensor] != layer || owner_[tensor] != tensor) continue;
      free_.push_back(buffer_of_owner_[tensor]);
    }
  }

  const arch::Graph& graph_;
  bool keep_all_;
  // The tensor whose memory each tensor uses.
  std::vector<int> owner_;
  std::vector<int> last_reader_;      // by owner
  std::vector<int> buffer_of_owner_;  // -1: none yet
  std::vector<int> free_;
  BufferPlan plan_;
};

}  // namespace

BufferPlan PlanBuffers(const arch::Graph& graph, const BufferOptions& options) {
  return Planner(graph, options).Plan();
}

}  // namespace frostnas::quant
