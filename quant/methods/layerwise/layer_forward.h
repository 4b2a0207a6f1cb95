// One layer's output on samples of its input, and the gradient of its squared
// error by the weights: for learning weights layer by layer.
//
// Thread-compatible; computing uses the compute threads (nn/threads.h).
#ifndef FROSTNAS_QUANT_METHODS_LAYERWISE_LAYER_FORWARD_H_
#define FROSTNAS_QUANT_METHODS_LAYERWISE_LAYER_FORWARD_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "arch/graph.h"
#include "quant/layer_params.h"
#include "quant/methods/network/folded_network.h"

namespace frostnas::quant {

// Samples of what a layer should do: patches of its input
// (quant/methods/network/patches.h) and the outputs wanted there.
struct LayerSamples {
  int positions = 0;
  std::vector<float> patches;  // (positions, PatchElements)
  std::vector<float> outputs;  // (positions, out channels)
};

class LayerForward {
 public:
  // Keeps `folded`, of which it takes all but the weights.
  LayerForward(const arch::Layer& layer, const FoldedLayer& folded);

  // (positions, out channels): after the activation and a norm after it.
  const std::vector<float>& Forward(const LayerSamples& samples,
                                    absl::Span<const float> weights);

  // Squared error, summed over channels, mean over positions.
  double Error(const LayerSamples& samples, absl::Span<const float> weights);

  // Of Error by the weights; ASSIGNED. The activation's kinks count as flat.
  void Gradient(const LayerSamples& samples, absl::Span<const float> weights,
                absl::Span<float> gradient);

 private:
  void Multiply(const LayerSamples& samples, absl::Span<const float> weights);
  void MultiplyBack(const LayerSamples& samples, absl::Span<float> gradient);

  const FoldedLayer& folded_;
  ConvGeometry geometry_;
  float low_, high_;            // of the activation
  std::vector<float> sums_;     // before the activation; then their gradients
  std::vector<float> outputs_;  // (positions, out channels)
};

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_LAYERWISE_LAYER_FORWARD_H_
