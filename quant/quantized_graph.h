// An INT8 network without its input transform: what executors run.
//
// Unlike a v1::Package it need not end in a classifier, so that a single
// operator can be profiled as well.
//
// Values; thread-compatible.
#ifndef FROSTNAS_QUANT_QUANTIZED_GRAPH_H_
#define FROSTNAS_QUANT_QUANTIZED_GRAPH_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "arch/graph.h"
#include "proto/frostnas/v1/package.pb.h"

namespace frostnas::quant {

struct QuantizedGraph {
  arch::Graph graph;
  std::vector<v1::PackageLayer> layers;  // one a layer of `graph`, in order
  v1::ActivationGrid input;

  // Grid of layer `index`'s output or of arch::kGraphInput.
  const v1::ActivationGrid& grid(int index) const {
    return index == arch::kGraphInput ? input : layers[index].output();
  }
};

// INVALID_ARGUMENT, naming the layer and field: sizes that do not follow from
// the graph, scales that are not positive and normal, zero points out of
// range, weights of -128, sums that could overflow int32, grids that differ
// where values are only moved, bounds there or with low above high, or none on
// a layer that normalises after its activation. `graph` itself is trusted
// (arch/graph.h made it).
absl::Status ValidateQuantizedGraph(const QuantizedGraph& quantized);

// Random weights, biases and grids with outputs that fill their grids, and
// bounds where a layer normalises after its activation, for
// tests, benchmarks and latency profiling; valid and the same for one seed.
QuantizedGraph RandomQuantizedGraph(const arch::Graph& graph, uint64_t seed);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_QUANTIZED_GRAPH_H_
