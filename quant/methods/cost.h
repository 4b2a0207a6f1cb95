// What a network of given bit-widths costs, against 8 bits everywhere (Goyal et
// al., arXiv 2102.02147, section 4; methods.md 5).
//
//   memory          sum of bits * count over weights, biases and the outputs of
//                   layers that compute them, in units of 8 * 1024 bits
//   multiplications sum over layers with weights of
//                   weight bits * weights * output bits * output positions
//
// The published cost takes the bits of a layer's output, where a multiplier
// sees those of its input; so does this, to be comparable. Neither counts the
// network's input, norms after activations, scales or offsets. Layers that only
// move values (concat, max pooling) have no output of their own.
//
// Pure functions; any thread.
#ifndef FROSTNAS_QUANT_METHODS_COST_H_
#define FROSTNAS_QUANT_METHODS_COST_H_

#include "absl/types/span.h"
#include "arch/graph.h"
#include "quant/methods/method.h"

namespace frostnas::quant {

struct NetworkCost {
  double weights_kb = 0;
  double biases_kb = 0;
  double activations_kb = 0;
  double multiplications = 0;

  double memory_kb() const { return weights_kb + biases_kb + activations_kb; }
};

// Of one layer, and of all: `bits` has one a layer of the graph.
NetworkCost CostOfLayer(const arch::Layer& layer, const LayerBits& bits);
NetworkCost CostOf(const arch::Graph& graph, absl::Span<const LayerBits> bits);

// 8 bits for weights, biases and activations.
NetworkCost EightBitCost(const arch::Graph& graph);

// Shares of the baseline that are saved: 0.4457 is 44.57 %. Negative where
// something has more bits.
struct Saving {
  double memory = 0;
  double multiplications = 0;
};
Saving SavingOf(const NetworkCost& cost, const NetworkCost& baseline);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_COST_H_
