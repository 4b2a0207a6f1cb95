// Which memory each tensor of a graph uses, so that one is overwritten as soon
// as its last reader has run.
//
// Pure function of the graph; any thread.
#ifndef FROSTNAS_QUANT_ONEDNN_BUFFER_PLAN_H_
#define FROSTNAS_QUANT_ONEDNN_BUFFER_PLAN_H_

#include <cstdint>
#include <vector>

#include "arch/graph.h"

namespace frostnas::quant {

struct BufferPlan {
  // Buffer of each tensor: of layer i's output at i + 1, of the input at 0. A
  // dropout's output is its input's buffer.
  std::vector<int> buffer;
  // Bytes of each buffer, for one image.
  std::vector<int64_t> buffer_bytes;
};

// `keep_all`: no two tensors share (but for dropout's).
BufferPlan PlanBuffers(const arch::Graph& graph, bool keep_all);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_ONEDNN_BUFFER_PLAN_H_
