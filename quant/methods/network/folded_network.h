// Start here for post-training methods: a trained float network with its batch
// norms folded into weights and biases.
//
// Quantization sees folded weights, so ranges, equalisation and rounding work
// on these. Where a norm comes after the activation it cannot be folded and
// stays as a scale and a shift of the activation's output.
//
// INVALID_ARGUMENT: a tensor is missing, of another size or not finite, or the
// network has no architecture or a data set that does not fit it; names it.
//
// Values; thread-compatible.
#ifndef FROSTNAS_QUANT_METHODS_NETWORK_FOLDED_NETWORK_H_
#define FROSTNAS_QUANT_METHODS_NETWORK_FOLDED_NETWORK_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "arch/graph.h"
#include "nn/network.h"
#include "proto/frostnas/v1/architecture.pb.h"
#include "proto/frostnas/v1/dataset.pb.h"
#include "proto/frostnas/v1/package.pb.h"
#include "quant/layer_tensors.h"

namespace frostnas::quant {

// Empty for layers without weights.
struct FoldedLayer {
  std::vector<float> weights;  // O,H,W,I; depthwise H,W,C
  std::vector<float> bias;     // by output channel
  // Of a norm after the activation (arch::Layer::norm_after_activation), by
  // output channel: y = post_scale * act(conv(x) + bias) + post_shift. Empty
  // for other layers.
  std::vector<float> post_scale, post_shift;
};

struct FoldedNetwork {
  v1::Architecture architecture;
  v1::DatasetInfo dataset;          // what it was trained on; its normalisation
  arch::Graph graph;                // of the architecture, unchanged
  std::vector<FoldedLayer> layers;  // one a layer of the graph
};

// Which weights belong together: output channel c's are those at
// c * stride_channel + i * stride_element for 0 <= i < elements.
struct FilterLayout {
  int channels = 0;
  int64_t elements = 0;
  int64_t stride_channel = 0;
  int64_t stride_element = 1;
  int64_t at(int channel, int64_t element) const {
    return channel * stride_channel + element * stride_element;
  }
};
// Of a layer with weights.
FilterLayout FilterLayoutOf(const arch::Layer& layer);

// See NormOptions for its fields: the trained network's epsilon, and Sheng's
// treatment of channels without variance.
absl::StatusOr<FoldedNetwork> Fold(const v1::FloatNetwork& trained,
                                   const NormOptions& options = {});

// The graph of FloatNetworkOf: layers whose norm is folded have a bias instead.
arch::Graph FoldedGraph(const arch::Graph& graph);

// The same function as a network, for calibration and fake quantization. Its
// parameters are LAYER.weight, LAYER.bias and, of norms after the activation,
// LAYER.gamma and LAYER.beta, which are post_scale and post_shift: LAYER.mean
// is 0, LAYER.var 1, the epsilon 0, and training uses and leaves these (see
// nn::NetworkOptions::frozen_batch_norm). INVALID_ARGUMENT: a layer's sizes or
// values do not fit the graph.
absl::StatusOr<std::unique_ptr<nn::Network>> FloatNetworkOf(
    const FoldedNetwork& folded);

// Its tensors.
v1::FloatNetwork TensorsOf(const FoldedNetwork& folded);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_NETWORK_FOLDED_NETWORK_H_
