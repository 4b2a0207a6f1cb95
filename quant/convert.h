// From float weights, batch-norm statistics and grids to integers.
//
// Weights are quantized unfolded, per output channel c, as fake quantization
// does: s_c = max|w_c| / qmax, q = round(w / s_c). Batch norm then folds into
// the scale, with f_c = gamma / sqrt(var + epsilon):
//
//   act(f_c (conv(x; s_c q) - mean) + beta)
//     = act(conv(x; (s_c |f_c|) (sign(f_c) q)) + (beta - mean f_c))
//
// so the integers keep the values training saw but for their sign, and the
// bias is rounded at s_in s_c |f_c|. Where that scale is so small that the
// bias would not fit 2^23 steps (gamma near 0, a filter of zeros), a larger
// scale is taken and the weights are rounded to it.
//
// A norm after the activation folds in the same way. With the shift
// b_c = beta - mean f_c,
//
//   f_c relu(conv(x) + bias) + b_c
//     = max(b_c, f_c conv(x) + (f_c bias + b_c))    for f_c > 0, min for f_c <
//     0
//
// so the activation becomes a bound of the stored output by channel
// (PackageLayer.low, .high).
//
// Pure functions; any thread.
#ifndef FROSTNAS_QUANT_CONVERT_H_
#define FROSTNAS_QUANT_CONVERT_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "arch/graph.h"
#include "nn/quant_hooks.h"
#include "proto/frostnas/v1/package.pb.h"
#include "quant/layer_params.h"
#include "quant/quantized_graph.h"

namespace frostnas::quant {

// One output channel before conversion: y = factor * conv(x; weights) + bias.
struct FloatChannel {
  absl::Span<const float> weights;
  double factor = 1;  // gamma / sqrt(var + epsilon); 1 without batch norm
  double bias = 0;    // beta - mean * factor, or the layer's bias
};

// The scales around a channel.
struct ChannelGrids {
  int weight_bits = 8;
  float src_scale = 1;
  float dst_scale = 1;
};

struct IntegerChannel {
  std::vector<int8_t> weights;
  float scale = 1;
  int32_t bias = 0;
};

// Everything finite; |weights| representable.
IntegerChannel ConvertChannel(const FloatChannel& channel,
                              const ChannelGrids& grids);

// One output channel whose weights are integers already:
// y = factor * (scale * conv(x; weights)) + bias.
struct RoundedChannel {
  absl::Span<const int8_t> weights;  // in [-127, 127]
  double scale = 1;                  // any where all weights are 0
  double factor = 1;
  double bias = 0;
};

// The second half of ConvertChannel, see above: the sign of the factor goes to
// the weights, its size to the scale. `weight_bits` of the grids is not used.
// Where all weights are 0 the scale is the one that suits the bias.
IntegerChannel FoldChannel(const RoundedChannel& channel,
                           const ChannelGrids& grids);

// Puts output channel `o` into `to`: its weights where the layer's layout has
// them, its scale and bias at the end. Channels are stored in order.
void StoreChannel(const ConvGeometry& geometry, const IntegerChannel& channel,
                  int o, v1::PackageLayer& to);

// Stored bounds of one channel.
struct StoredRange {
  uint8_t low = 0;
  uint8_t high = 255;
};

// Where factor * act(u) + shift lies on a grid of at most 8 bits: within its
// qmin and qmax, and beyond no value that `activation` cuts off.
StoredRange NormedRange(double factor, double shift, v1::Activation activation,
                        const nn::AffineGrid& grid);

struct ConversionOptions {
  int weight_bits = 8;
  float batch_norm_epsilon = 1e-5f;
  // Grid of a layer's output, or of the input for arch::kGraphInput.
  std::function<v1::ActivationGrid(int index)> grid;
};

// `tensors` holds what nn::Network::Save writes. INVALID_ARGUMENT: a tensor is
// missing, of another shape or not finite, or the result is not a valid
// QuantizedGraph; names the layer.
absl::StatusOr<QuantizedGraph> ConvertGraph(const arch::Graph& graph,
                                            const v1::FloatNetwork& tensors,
                                            const ConversionOptions& options);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_CONVERT_H_
