#include "quant/convert.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "quant/grid.h"
#include "quant/layer_params.h"

namespace frostnas::quant {
namespace {

// Biases stay exact as floats even after a sum is added.
constexpr double kMaxBias = 1 << 23;
// Smallest multiplier: far below what moves an output, and a normal float.
constexpr double kMinMultiplier = 0x1p-60;

// Values of tensors by name.
class TensorMap {
 public:
  static absl::StatusOr<TensorMap> Create(const v1::FloatNetwork& network) {
    TensorMap map;
    for (const v1::NamedTensor& tensor : network.tensors()) {
      if (tensor.data().size() % sizeof(float) != 0) {
        return absl::InvalidArgumentError(
            absl::StrCat("tensor \"", tensor.name(), "\" is no float32"));
      }
      std::vector<float>& values = map.values_[tensor.name()];
      values.resize(tensor.data().size() / sizeof(float));
      std::memcpy(values.data(), tensor.data().data(), tensor.data().size());
    }
    return map;
  }

  // The tensor LAYER.SUFFIX with exactly `count` finite values.
  absl::StatusOr<absl::Span<const float>> Get(absl::string_view layer,
                                              absl::string_view suffix,
                                              int64_t count) const {
    const std::string name = absl::StrCat(layer, ".", suffix);
    const auto found = values_.find(name);
    if (found == values_.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor \"", name, "\" is missing"));
    }
    const std::vector<float>& values = found->second;
    if (static_cast<int64_t>(values.size()) != count) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor \"", name, "\" has ", values.size(),
                       " values; the layer needs ", count));
    }
    for (float value : values) {
      if (!std::isfinite(value)) {
        return absl::InvalidArgumentError(
            absl::StrCat("tensor \"", name,
                         "\" has a value that is not "
                         "finite; train with a lower learning rate"));
      }
    }
    return absl::MakeConstSpan(values);
  }

 private:
  std::map<std::string, std::vector<float>> values_;
};

// What a layer does after its sums, by output channel.
struct ChannelAffines {
  std::vector<double> factor;
  std::vector<double> bias;
};

absl::StatusOr<ChannelAffines> BiasOf(const arch::Layer& layer,
                                      const TensorMap& tensors) {
  ASSIGN_OR_RETURN(const auto bias,
                   tensors.Get(layer.name, "bias", layer.out.channels));
  return ChannelAffines{std::vector<double>(bias.size(), 1.0),
                        std::vector<double>(bias.begin(), bias.end())};
}

absl::StatusOr<ChannelAffines> NormOf(const arch::Layer& layer,
                                      const TensorMap& tensors, float epsilon) {
  const int channels = layer.out.channels;
  ASSIGN_OR_RETURN(const auto gamma,
                   tensors.Get(layer.name, "gamma", channels));
  ASSIGN_OR_RETURN(const auto beta, tensors.Get(layer.name, "beta", channels));
  ASSIGN_OR_RETURN(const auto mean, tensors.Get(layer.name, "mean", channels));
  ASSIGN_OR_RETURN(const auto var, tensors.Get(layer.name, "var", channels));
  ChannelAffines affines;
  for (int c = 0; c < channels; ++c) {
    const double variance = static_cast<double>(var[c]) + epsilon;
    if (!(variance > 0)) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor \"", layer.name, ".var\" has a negative value"));
    }
    affines.factor.push_back(gamma[c] / std::sqrt(variance));
    affines.bias.push_back(beta[c] - mean[c] * affines.factor.back());
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

absl::Status ConvertWeights(const arch::Layer& layer, const TensorMap& tensors,
                            const ConversionOptions& options,
                            v1::PackageLayer& to) {
  const ConvGeometry geometry = GeometryOf(layer);
  ASSIGN_OR_RETURN(const auto weights, tensors.Get(layer.name, "weight",
                                                   geometry.filter_elements() *
                                                       geometry.out_channels));
  ASSIGN_OR_RETURN(const ChannelAffines affines,
                   layer.batch_norm
                       ? NormOf(layer, tensors, options.batch_norm_epsilon)
                       : BiasOf(layer, tensors));
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
  const float unfolded = largest / static_cast<float>(q_max);
  const float inverse = 1 / unfolded;
  const bool usable = unfolded > 0 && std::isfinite(inverse);
  const double folded = usable ? unfolded * std::abs(channel.factor) : 0.0;
  const double smallest =
      std::max(std::abs(channel.bias) / (grids.src_scale * kMaxBias),
               kMinMultiplier * grids.dst_scale / grids.src_scale);
  IntegerChannel result;
  result.scale = static_cast<float>(std::max(folded, smallest));
  // 1 unless a larger scale had to be taken.
  const double shrink = folded < smallest ? folded / smallest : 1.0;
  const double sign = channel.factor < 0 ? -1 : 1;
  for (float weight : channel.weights) {
    const double q = usable ? RoundHalfEven(weight * inverse) : 0;
    result.weights.push_back(
        static_cast<int8_t>(RoundHalfEven(sign * q * shrink)));
  }
  result.bias = RoundHalfEven(
      channel.bias / (static_cast<double>(grids.src_scale) * result.scale));
  return result;
}

absl::StatusOr<QuantizedGraph> ConvertGraph(const arch::Graph& graph,
                                            const v1::FloatNetwork& network,
                                            const ConversionOptions& options) {
  ASSIGN_OR_RETURN(const TensorMap tensors, TensorMap::Create(network));
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
