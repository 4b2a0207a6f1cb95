// Which memory each tensor of a graph uses, so that one is overwritten as soon
// as its last reader has run.
//
// Pure function of the graph; any thread.
#ifndef FROSTNAS_QUANT_BUFFER_PLAN_H_
#define FROSTNAS_QUANT_BUFFER_PLAN_H_

#include <cstdint>
#include <vector>

#include "arch/graph.h"

namespace frostnas::quant {

// Where a tensor is in its buffer's pixels: values before its first channel,
// and from pixel to pixel.
struct Slice {
  int offset = 0;
  int stride = 0;
};

struct BufferPlan {
  // Buffer of each tensor: of layer i's output at i + 1, of the input at 0. A
  // dropout's output is its input's buffer.
  std::vector<int> buffer;
  // As `buffer`. All of the pixel, but for inputs of joined concatenations.
  std::vector<Slice> slice;
  // Bytes of each buffer, for one image.
  std::vector<int64_t> buffer_bytes;
};

struct BufferOptions {
  // No two tensors share (but for dropout's).
  bool keep_all = false;
  // What only a concatenation, convolutions and pools read, and a convolution
  // or pool writes, is written straight to its place in the concatenation's
  // output; for executors whose convolutions and pools know strides. Without
  // effect on keep_all.
  bool join_concats = false;
};

BufferPlan PlanBuffers(const arch::Graph& graph, const BufferOptions& options);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_BUFFER_PLAN_H_
