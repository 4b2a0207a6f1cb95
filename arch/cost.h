// What a network costs, counted from its layers.
//
// Parameters: weights, biases where there is no batch norm, and batch norm's
// scale and shift; not its running statistics. Multiply-accumulates: of
// convolutions and of the linear classifier, which FrostNet writes as a 1 x 1
// convolution; this reproduces the published FLOPs. Batch norm, activations,
// additions and pooling count nothing. Thread-safe.
#ifndef FROSTNAS_ARCH_COST_H_
#define FROSTNAS_ARCH_COST_H_

#include <cstdint>

#include "arch/graph.h"

namespace frostnas::arch {

struct Cost {
  int64_t params = 0;
  int64_t macs = 0;
  // Of an INT8 package: a byte a weight, an int32 bias and a float scale an
  // output channel. An estimate: names, grids and the header, some tens of
  // bytes a layer, are left out.
  int64_t package_bytes = 0;

  Cost& operator+=(const Cost& other);
  friend bool operator==(const Cost&, const Cost&) = default;
};

// Of one image.
Cost LayerCost(const Layer& layer);

// The sum over all layers.
Cost GraphCost(const Graph& graph);

}  // namespace frostnas::arch

#endif  // FROSTNAS_ARCH_COST_H_
