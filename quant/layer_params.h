// The numbers a layer of a QuantizedGraph runs with: geometry, multipliers,
// zero points and clamp bounds, derived in one place for every executor and
// exporter.
//
// Multipliers are made of scales in floats, each operation rounded, from left
// to right as written below. Runtimes that read exported files do the same;
// with another last bit they would round some values in 10^7 differently, and
// a value that differs early in a deep network moves logits by several steps.
//
// Pure functions of a valid QuantizedGraph (ValidateQuantizedGraph); spans
// point into it. Any thread.
#ifndef FROSTNAS_QUANT_LAYER_PARAMS_H_
#define FROSTNAS_QUANT_LAYER_PARAMS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "arch/graph.h"
#include "quant/grid.h"
#include "quant/quantized_graph.h"

namespace frostnas::quant {

// Square feature maps, NHWC. A linear layer is a 1 x 1 convolution of a 1 x 1
// map.
struct ConvGeometry {
  int in_size = 0, in_channels = 0;
  int out_size = 0, out_channels = 0;
  int kernel = 1, stride = 1, pad = 0;
  bool depthwise = false;

  // Weights of one output channel.
  int64_t filter_elements() const {
    return static_cast<int64_t>(kernel) * kernel *
           (depthwise ? 1 : in_channels);
  }
  int64_t src_elements() const {
    return static_cast<int64_t>(in_size) * in_size * in_channels;
  }
  int64_t dst_elements() const {
    return static_cast<int64_t>(out_size) * out_size * out_channels;
  }
};

ConvGeometry GeometryOf(const arch::Layer& layer);

// kConv, kDepthwise, kLinear:
//   dst = Requantize(bias[c] + sum (src - src_zero_point) * weights,
//                    multiplier[c], to); padding counts as src_zero_point.
struct ConvParams {
  ConvGeometry geometry;
  absl::Span<const int8_t> weights;  // O,H,W,I; depthwise H,W,C
  absl::Span<const int32_t> bias;    // by output channel
  std::vector<float> multiplier;     // s_in * s_w[c] / s_out
  int src_zero_point = 0;
  Requantization to;

  // Weight of output channel `o` at filter position `i` (in H,W,I order).
  int8_t weight(int o, int64_t i) const {
    return geometry.depthwise ? weights[i * geometry.out_channels + o]
                              : weights[o * geometry.filter_elements() + i];
  }
};
ConvParams ConvParamsOf(const QuantizedGraph& quantized, int index);

// What PackageLayer.low and .high ask for beyond a Requantization: a low and a
// high for each channel of the layer's stored output. Empty where a
// Requantization holds all bounds.
struct ChannelBounds {
  std::vector<uint8_t> low, high;

  bool empty() const { return low.empty(); }
};
ChannelBounds ChannelBoundsOf(const QuantizedGraph& quantized, int index);

// `bias` less src_zero_point times the sum of each channel's weights: the bias
// of the same convolution over src without its zero point.
std::vector<int32_t> FoldZeroPoint(const ConvParams& params);

// Whether requantizing needs no bounds but 0..255 and meets no value beyond
// 2^30, so that a conversion to int32 and saturation do it.
bool SaturatesOnly(const ConvParams& params);

// kAdd: dst = RequantizeScaled(multiplier[0] * (a - zero_point[0]) +
//                              multiplier[1] * (b - zero_point[1]), to),
// each product rounded to float before the sum.
struct AddParams {
  float multiplier[2] = {1, 1};  // s_a / s_out, s_b / s_out
  int zero_point[2] = {0, 0};
  Requantization to;
};
AddParams AddParamsOf(const QuantizedGraph& quantized, int index);
// As for convolutions.
bool SaturatesOnly(const AddParams& params);

// kGlobalPool, average: dst = Requantize(sum (src - src_zero_point),
// multiplier, to) with multiplier s_in / (s_out * (H * W)).
struct AveragePoolParams {
  int positions = 1;  // H * W
  int channels = 0;
  float multiplier = 1;
  int src_zero_point = 0;
  Requantization to;
};
AveragePoolParams AveragePoolParamsOf(const QuantizedGraph& quantized,
                                      int index);

// Elements of a feature map.
inline int64_t Elements(const arch::FeatureShape& shape) {
  return static_cast<int64_t>(shape.size) * shape.size * shape.channels;
}

// Shape of layer `index`'s output, or of the input for arch::kGraphInput.
inline const arch::FeatureShape& ShapeOf(const arch::Graph& graph, int index) {
  return index == arch::kGraphInput ? graph.input : graph.layers[index].out;
}

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_LAYER_PARAMS_H_
