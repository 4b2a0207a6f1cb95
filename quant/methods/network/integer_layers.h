// What a method decides, and its assembly to a package.
//
//   QuantizationPlan plan;
//   ... layers by RoundWeights, a grid for the input and each output ...
//   ASSIGN_OR_RETURN(v1::Package package, Assemble(folded, plan));
//
// Grids of one group (quant/grid_groups.h) must be equal. Weights are those of
// FoldedLayer: a norm after the activation is not in them; Assemble folds it
// into scales, signs and biases, with the activation's clamp as bounds of the
// stored output.
//
// Values and pure functions; any thread.
#ifndef FROSTNAS_QUANT_METHODS_NETWORK_INTEGER_LAYERS_H_
#define FROSTNAS_QUANT_METHODS_NETWORK_INTEGER_LAYERS_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "arch/graph.h"
#include "nn/quant_hooks.h"
#include "proto/frostnas/v1/package.pb.h"
#include "quant/methods/network/folded_network.h"

namespace frostnas::quant {

// How many output channels share a weight scale.
enum class WeightGranularity {
  kPerChannel,  // none
  kPerTensor,   // all of a layer
};

// Empty for layers without weights. Real weights are scale[c] * weights.
struct QuantizedWeights {
  std::vector<int8_t> weights;  // in [-127, 127], order as FoldedLayer::weights
  std::vector<float> scale;     // by output channel; > 0
  // Real values; rounded to int32 at s_in * scale[c] by Assemble.
  std::vector<float> bias;
};

// Stored form is unsigned 8 bit; [qmin, qmax] within 0..255 is narrower for
// fewer bits. The zero point lies in [qmin, qmax].
struct OutputGrid {
  nn::AffineGrid grid;
};

struct QuantizationPlan {
  std::vector<QuantizedWeights> layers;  // one a layer of the graph
  OutputGrid input;                      // 0..255
  std::vector<OutputGrid> outputs;       // one a layer of the graph

  // Grid of layer `index`'s output, or of the input for arch::kGraphInput.
  const nn::AffineGrid& grid(int index) const {
    return index == arch::kGraphInput ? input.grid : outputs[index].grid;
  }
};

// max|w| / (2^(bits - 1) - 1) of each output channel, or of all of them, as
// often as there are channels. 1 for weights that are all zero, whose scale
// does not matter. bits in [2, 8].
std::vector<float> MaxScales(const arch::Layer& layer,
                             const FoldedLayer& folded,
                             WeightGranularity granularity, int bits);

// Weights rounded (half to even) at `scale`, one a channel, and clipped to
// +-(2^(bits - 1) - 1); biases as they are. bits in [2, 8].
QuantizedWeights RoundWeights(const arch::Layer& layer,
                              const FoldedLayer& folded,
                              absl::Span<const float> scale, int bits);

// The real weights, order as FoldedLayer::weights.
std::vector<float> Dequantize(const arch::Layer& layer,
                              const QuantizedWeights& quantized);

// INVALID_ARGUMENT, naming layer and field: sizes that do not follow from the
// graph, scales or grids that are not usable, biases that are not finite,
// grids that differ within a group.
absl::Status CheckPlan(const FoldedNetwork& folded,
                       const QuantizationPlan& plan);

// INVALID_ARGUMENT: see CheckPlan, and ValidatePackage. fake_quant_top1 is
// unknown. Filters of zeros give their bias; a bias too large for its scale
// gets a larger one and the weights follow (quant/convert.h).
absl::StatusOr<v1::Package> Assemble(const FoldedNetwork& folded,
                                     const QuantizationPlan& plan);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_NETWORK_INTEGER_LAYERS_H_
