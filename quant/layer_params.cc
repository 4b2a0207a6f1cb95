#include "quant/layer_params.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace frostnas::quant {
namespace {

// What a conversion to int32 takes, with room for a zero point.
constexpr double kMaxSaturated = 0x1p30;

// Whether requantization clamps to less than 0..255.
bool HasBounds(const Requantization& to) {
  return to.low > 0 || to.high < kStoredMax;
}

// Value `c` of PackageLayer.low or .high, `otherwise` where there is none.
int BoundOf(const std::string& bounds, int c, int otherwise) {
  if (bounds.empty()) return otherwise;
  return static_cast<uint8_t>(bounds[bounds.size() == 1 ? 0 : c]);
}

// Clamps `to` again, to the bounds that all channels share.
void Narrow(const v1::PackageLayer& stored, Requantization& to) {
  if (stored.low().size() > 1 || stored.high().size() > 1) return;
  const int low = BoundOf(stored.low(), 0, 0);
  const int high = BoundOf(stored.high(), 0, kStoredMax);
  to.low = std::clamp(to.low, low, high);
  to.high = std::clamp(to.high, low, high);
}

// Clamp bounds of `layer`'s activation in the stored domain of its output, and
// those stored for all channels. An activation before the norm is in the
// stored bounds alone.
Requantization OutputOf(const QuantizedGraph& quantized, int index) {
  const arch::Layer& layer = quantized.graph.layers[index];
  const v1::ActivationGrid& grid = quantized.grid(index);
  Requantization to{.zero_point = grid.zero_point()};
  if (layer.norm_after_activation) {
    Narrow(quantized.layers[index], to);
    return to;
  }
  if (layer.activation == v1::ACTIVATION_RELU ||
      layer.activation == v1::ACTIVATION_RELU6) {
    to.low = to.zero_point;
  }
  if (layer.activation == v1::ACTIVATION_RELU6) {
    to.high = std::min(kStoredMax,
                       to.zero_point + RoundHalfEven(6.0f / grid.scale()));
  }
  Narrow(quantized.layers[index], to);
  return to;
}

}  // namespace

ConvGeometry GeometryOf(const arch::Layer& layer) {
  const bool linear = layer.kind == arch::LayerKind::kLinear;
  ConvGeometry geometry;
  geometry.in_size = layer.in.size;
  geometry.in_channels = layer.in.channels;
  geometry.out_size = layer.out.size;
  geometry.out_channels = layer.out.channels;
  geometry.kernel = linear ? 1 : layer.kernel;
  geometry.stride = linear ? 1 : layer.stride;
  geometry.pad = (geometry.kernel - 1) / 2;
  geometry.depthwise = layer.kind == arch::LayerKind::kDepthwise;
  return geometry;
}

ConvParams ConvParamsOf(const QuantizedGraph& quantized, int index) {
  const arch::Layer& layer = quantized.graph.layers[index];
  const v1::PackageLayer& stored = quantized.layers[index];
  const v1::ActivationGrid& src = quantized.grid(layer.inputs[0]);
  ConvParams params;
  params.geometry = GeometryOf(layer);
  params.weights = absl::MakeConstSpan(
      reinterpret_cast<const int8_t*>(stored.weights().data()),
      stored.weights().size());
  params.bias = absl::MakeConstSpan(stored.bias().data(),
                                    static_cast<size_t>(stored.bias_size()));
  for (float weight_scale : stored.weight_scale()) {
    params.multiplier.push_back(src.scale() * weight_scale /
                                quantized.grid(index).scale());
  }
  params.src_zero_point = src.zero_point();
  params.to = OutputOf(quantized, index);
  return params;
}

ChannelBounds ChannelBoundsOf(const QuantizedGraph& quantized, int index) {
  const v1::PackageLayer& stored = quantized.layers[index];
  ChannelBounds bounds;
  if (stored.low().size() <= 1 && stored.high().size() <= 1) return bounds;
  for (int c = 0; c < quantized.graph.layers[index].out.channels; ++c) {
    bounds.low.push_back(static_cast<uint8_t>(BoundOf(stored.low(), c, 0)));
    bounds.high.push_back(
        static_cast<uint8_t>(BoundOf(stored.high(), c, kStoredMax)));
  }
  return bounds;
}

std::vector<int32_t> FoldZeroPoint(const ConvParams& params) {
  std::vector<int32_t> folded(params.bias.begin(), params.bias.end());
  const int64_t elements = params.geometry.filter_elements();
  for (int o = 0; o < params.geometry.out_channels; ++o) {
    int32_t sum = 0;
    for (int64_t i = 0; i < elements; ++i) sum += params.weight(o, i);
    folded[o] -= params.src_zero_point * sum;
  }
  return folded;
}

bool SaturatesOnly(const ConvParams& params) {
  if (HasBounds(params.to)) return false;
  const int64_t elements = params.geometry.filter_elements();
  for (int o = 0; o < params.geometry.out_channels; ++o) {
    double largest = std::abs(static_cast<double>(params.bias[o]));
    for (int64_t i = 0; i < elements; ++i) {
      largest += kStoredMax * std::abs(params.weight(o, i));
    }
    if (largest * params.multiplier[o] > kMaxSaturated) return false;
  }
  return true;
}

AddParams AddParamsOf(const QuantizedGraph& quantized, int index) {
  const arch::Layer& layer = quantized.graph.layers[index];
  AddParams params;
  for (int i = 0; i < 2; ++i) {
    const v1::ActivationGrid& src = quantized.grid(layer.inputs[i]);
    params.multiplier[i] = src.scale() / quantized.grid(index).scale();
    params.zero_point[i] = src.zero_point();
  }
  params.to = OutputOf(quantized, index);
  return params;
}

bool SaturatesOnly(const AddParams& params) {
  const double largest =
      kStoredMax * (static_cast<double>(params.multiplier[0]) +
                    static_cast<double>(params.multiplier[1]));
  return !HasBounds(params.to) && largest <= kMaxSaturated;
}

AveragePoolParams AveragePoolParamsOf(const QuantizedGraph& quantized,
                                      int index) {
  const arch::Layer& layer = quantized.graph.layers[index];
  const v1::ActivationGrid& src = quantized.grid(layer.inputs[0]);
  AveragePoolParams params;
  params.positions = layer.in.size * layer.in.size;
  params.channels = layer.in.channels;
  params.multiplier = src.scale() / (quantized.grid(index).scale() *
                                     static_cast<float>(params.positions));
  params.src_zero_point = src.zero_point();
  params.to = OutputOf(quantized, index);
  return params;
}

}  // namespace frostnas::quant
