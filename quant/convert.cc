#include "quant/convert.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "quant/grid.h"
#include "quant/layer_params.h"
#include "quant/layer_tensors.h"

namespace frostnas::quant {
namespace {

// Biases stay exact as floats even after a sum is added.
constexpr double kMaxBias = 1 << 23;
// Smallest multiplier: far below what moves an output, and a normal float.
constexpr double kMinMultiplier = 0x1p-60;

// Of a layer, with what must hold its activation when the norm comes after it.
absl::StatusOr<ChannelAffines> AffinesOf(const arch::Layer& layer,
                                         const LayerTensors& tensors,
                                         float epsilon, v1::PackageLayer& to) {
  if (!layer.batch_norm) return BiasOf(layer, tensors);
  ASSIGN_OR_RETURN(ChannelAffines affines,
                   NormOf(layer, tensors, {.epsilon = epsilon}));
  if (!layer.norm_after_activation) return affines;
  ASSIGN_OR_RETURN(const ChannelAffines before, BiasOf(layer, tensors));
  const nn::AffineGrid grid = ToAffineGrid(to.output());
  for (size_t c = 0; c < affines.bias.size(); ++c) {
    const StoredRange range =
        NormedRange(affines.factor[c], affines.bias[c], layer.activation, grid);
    to.mutable_low()->push_back(static_cast<char>(range.low));
    to.mutable_high()->push_back(static_cast<char>(range.high));
    affines.bias[c] += affines.factor[c] * before.bias[c];
  }
  return affines;
}

// Weights of output channel `o` in H,W,I order.
std::vector<float> FilterOf(const ConvGeometry& geometry,
                            absl::Span<const float> weights, int o) {
  const int64_t elements = geometry.filter_elements();
  std::vector<float> filter(elements);
  for (int64_t i = 0; i < elements; ++i) {
    filter[i] = geometry.depthwise ? weights[i * geometry.out_channels + o]
                                   : weights[o * elements + i];
  }
  return filter;
}

absl::Status ConvertWeights(const arch::Layer& layer,
                            const LayerTensors& tensors,
                            const ConversionOptions& options,
                            v1::PackageLayer& to) {
  const ConvGeometry geometry = GeometryOf(layer);
  ASSIGN_OR_RETURN(const auto weights, tensors.Get(layer.name, "weight",
                                                   geometry.filter_elements() *
                                                       geometry.out_channels));
  ASSIGN_OR_RETURN(const ChannelAffines affines,
                   AffinesOf(layer, tensors, options.batch_norm_epsilon, to));
  const ChannelGrids grids = {
      .weight_bits = options.weight_bits,
      .src_scale = options.grid(layer.inputs[0]).scale(),
      .dst_scale = to.output().scale()};
  for (int o = 0; o < geometry.out_channels; ++o) {
    const std::vector<float> filter = FilterOf(geometry, weights, o);
    StoreChannel(geometry,
                 ConvertChannel({.weights = filter,
                                 .factor = affines.factor[o],
                                 .bias = affines.bias[o]},
                                grids),
                 o, to);
  }
  return absl::OkStatus();
}

}  // namespace

IntegerChannel ConvertChannel(const FloatChannel& channel,
                              const ChannelGrids& grids) {
  float largest = 0;
  for (float weight : channel.weights) {
    largest = std::max(largest, std::abs(weight));
  }
  const int q_max = (1 << (grids.weight_bits - 1)) - 1;
  // In float, as fake quantization computes it (nn/modules/weights.cc).
  const float scale = largest / static_cast<float>(q_max);
  const float inverse = 1 / scale;
  const bool usable = scale > 0 && std::isfinite(inverse);
  std::vector<int8_t> integers;
  for (float weight : channel.weights) {
    integers.push_back(
        static_cast<int8_t>(usable ? RoundHalfEven(weight * inverse) : 0));
  }
  return FoldChannel({.weights = integers,
                      .scale = usable ? scale : 0.0,
                      .factor = channel.factor,
                      .bias = channel.bias},
                     grids);
}

IntegerChannel FoldChannel(const RoundedChannel& channel,
                           const ChannelGrids& grids) {
  const bool zero = std::all_of(channel.weights.begin(), channel.weights.end(),
                                [](int8_t weight) { return weight == 0; });
  const double folded = zero ? 0.0 : channel.scale * std::abs(channel.factor);
  const double smallest =
      std::max(std::abs(channel.bias) / (grids.src_scale * kMaxBias),
               kMinMultiplier * grids.dst_scale / grids.src_scale);
  IntegerChannel result;
  result.scale = static_cast<float>(std::max(folded, smallest));
  // 1 unless a larger scale had to be taken.
  const double shrink = folded < smallest ? folded / smallest : 1.0;
  const double sign = channel.factor < 0 ? -1 : 1;
  for (int8_t weight : channel.weights) {
    result.weights.push_back(
        static_cast<int8_t>(RoundHalfEven(sign * weight * shrink)));
  }
  result.bias = RoundHalfEven(
      channel.bias / (static_cast<double>(grids.src_scale) * result.scale));
  return result;
}

void StoreChannel(const ConvGeometry& geometry, const IntegerChannel& channel,
                  int o, v1::PackageLayer& to) {
  const int64_t elements = geometry.filter_elements();
  std::string& weights = *to.mutable_weights();
  weights.resize(elements * geometry.out_channels);
  for (int64_t i = 0; i < elements; ++i) {
    weights[geometry.depthwise ? i * geometry.out_channels + o
                               : o * elements + i] =
        static_cast<char>(channel.weights[i]);
  }
  to.add_weight_scale(channel.scale);
  to.add_bias(channel.bias);
}

StoredRange NormedRange(double factor, double shift, v1::Activation activation,
                        const nn::AffineGrid& grid) {
  const auto stored = [&](double value) {
    return Quantize(static_cast<float>(value), grid);
  };
  const bool clamps = activation != v1::ACTIVATION_NONE;
  // Of act(u) at its lower and upper end.
  int32_t from = factor < 0 ? grid.qmax : grid.qmin;
  int32_t to = factor < 0 ? grid.qmin : grid.qmax;
  if (clamps) from = stored(shift);
  if (activation == v1::ACTIVATION_RELU6) to = stored(6 * factor + shift);
  return {.low = static_cast<uint8_t>(std::min(from, to)),
          .high = static_cast<uint8_t>(std::max(from, to))};
}

absl::StatusOr<QuantizedGraph> ConvertGraph(const arch::Graph& graph,
                                            const v1::FloatNetwork& network,
                                            const ConversionOptions& options) {
  ASSIGN_OR_RETURN(const LayerTensors tensors, LayerTensors::Create(network));
  QuantizedGraph quantized;
  quantized.graph = graph;
  quantized.input = options.grid(arch::kGraphInput);
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    v1::PackageLayer& layer = quantized.layers.emplace_back();
    layer.set_name(graph.layers[i].name);
    *layer.mutable_output() = options.grid(static_cast<int>(i));
    if (graph.layers[i].has_weights()) {
      RETURN_IF_ERROR(ConvertWeights(graph.layers[i], tensors, options, layer));
    }
  }
  RETURN_IF_ERROR(ValidateQuantizedGraph(quantized));
  return quantized;
}

}  // namespace frostnas::quant
