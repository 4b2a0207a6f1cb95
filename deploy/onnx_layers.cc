#include "deploy/onnx_layers.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "arch/graph.h"
#include "base/status_macros.h"
#include "quant/grid.h"
#include "quant/layer_params.h"

namespace frostnas::deploy {
namespace {

using arch::LayerKind;

// ONNX's order of a filter: output channel, input channel, height, width.
std::string FilterOihw(const quant::ConvParams& params) {
  const quant::ConvGeometry& g = params.geometry;
  const int64_t positions = static_cast<int64_t>(g.kernel) * g.kernel;
  const int64_t channels = g.depthwise ? 1 : g.in_channels;
  std::string filter(positions * channels * g.out_channels, '\0');
  size_t at = 0;
  for (int o = 0; o < g.out_channels; ++o) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t p = 0; p < positions; ++p) {
        filter[at++] = static_cast<char>(params.weight(o, p * channels + c));
      }
    }
  }
  return filter;
}

// Where a layer's values are clamped.
enum class Clamp {
  kBySaturation,  // the bounds are uint8's own
  kByConcat,      // stored with zero point 0; the concats that read it clamp
  kByClip,        // a Clip of its own
};

class LayerAdder {
 public:
  LayerAdder(const quant::QuantizedGraph& quantized, OnnxGraphBuilder& builder)
      : quantized_(quantized), graph_(quantized.graph), builder_(builder) {}

  absl::StatusOr<QuantizedTensor> AddAll(const QuantizedTensor& input) {
    tensors_ = {input};
    for (size_t i = 0; i < graph_.layers.size(); ++i) {
      ASSIGN_OR_RETURN(QuantizedTensor tensor, Add(static_cast<int>(i)));
      tensors_.push_back(std::move(tensor));
    }
    return tensors_.back();
  }

 private:
  absl::StatusOr<QuantizedTensor> Add(int index) {
    switch (graph_.layers[index].kind) {
      case LayerKind::kConv:
      case LayerKind::kDepthwise:
        return AddConv(index);
      case LayerKind::kLinear:
        return AddLinear(index);
      case LayerKind::kConcat:
        return AddConcat(index);
      case LayerKind::kAdd:
        return AddAdd(index);
      case LayerKind::kMaxPool:
        return AddMaxPool(index, graph_.layers[index].kernel,
                          graph_.layers[index].stride);
      case LayerKind::kGlobalPool:
        return AddGlobalPool(index);
      case LayerKind::kDropout:
        return TensorOf(graph_.layers[index].inputs[0]);
    }
    return absl::InternalError("a layer kind without an ONNX form");
  }

  absl::StatusOr<QuantizedTensor> AddConv(int index) {
    const quant::ConvParams params = quant::ConvParamsOf(quantized_, index);
    const quant::ConvGeometry& g = params.geometry;
    const int64_t group = g.depthwise ? g.in_channels : 1;
    ASSIGN_OR_RETURN(const std::vector<std::string> inputs,
                     WeightedInputs(index, Inputs(index)[0],
                                    {g.out_channels, g.in_channels / group,
                                     g.kernel, g.kernel}));
    const std::string name = NodeName(index, "conv");
    onnx::NodeProto& node = builder_.AddNode("Conv", name, inputs);
    SetAttribute(node, "kernel_shape", Square(g.kernel));
    SetAttribute(node, "strides", Square(g.stride));
    SetAttribute(node, "pads", std::vector<int64_t>(4, g.pad));
    SetAttribute(node, "group", group);
    return Store(index, name, params.to);
  }

  // Of the flattened input, which is batch x channels x 1 x 1.
  absl::StatusOr<QuantizedTensor> AddLinear(int index) {
    const quant::ConvParams params = quant::ConvParamsOf(quantized_, index);
    const quant::ConvGeometry& g = params.geometry;
    QuantizedTensor src = TensorOf(graph_.layers[index].inputs[0]);
    const std::string flat = NodeName(index, "flatten");
    builder_.AddNode("Flatten", flat, {src.name});
    src.name = flat;
    ASSIGN_OR_RETURN(
        const std::vector<std::string> inputs,
        WeightedInputs(index, builder_.Dequantize(src, NodeName(index, "in0")),
                       {g.out_channels, g.in_channels}));
    const std::string name = NodeName(index, "gemm");
    SetAttribute(builder_.AddNode("Gemm", name, inputs), "transB", int64_t{1});
    return Store(index, name, params.to);
  }

  QuantizedTensor AddConcat(int index) {
    const std::string name = NodeName(index, "concat");
    SetAttribute(builder_.AddNode("Concat", name, Inputs(index)), "axis",
                 int64_t{1});
    return builder_.Quantize(name, LayerName(index), quantized_.grid(index));
  }

  absl::StatusOr<QuantizedTensor> AddAdd(int index) {
    const std::string name = NodeName(index, "add");
    builder_.AddNode("Add", name, Inputs(index));
    return Store(index, name, quant::AddParamsOf(quantized_, index).to);
  }

  QuantizedTensor AddMaxPool(int index, int kernel, int stride) {
    const std::string name = NodeName(index, "max_pool");
    onnx::NodeProto& node = builder_.AddNode("MaxPool", name, Inputs(index));
    SetAttribute(node, "kernel_shape", Square(kernel));
    SetAttribute(node, "strides", Square(stride));
    return builder_.Quantize(name, LayerName(index), quantized_.grid(index));
  }

  // GlobalMaxPool takes floats only; MaxPool over the whole map does not.
  absl::StatusOr<QuantizedTensor> AddGlobalPool(int index) {
    const arch::Layer& layer = graph_.layers[index];
    if (layer.pool == v1::GLOBAL_POOL_MAX) {
      return AddMaxPool(index, layer.in.size, 1);
    }
    const std::string name = NodeName(index, "average_pool");
    builder_.AddNode("GlobalAveragePool", name, Inputs(index));
    return Store(index, name, quant::AveragePoolParamsOf(quantized_, index).to);
  }

  // `src` and the layer's dequantized weights, of `shape`, and biases.
  absl::StatusOr<std::vector<std::string>> WeightedInputs(
      int index, const std::string& src, const OnnxGraphBuilder::Shape& shape) {
    const quant::ConvParams params = quant::ConvParamsOf(quantized_, index);
    const float src_scale =
        quantized_.grid(graph_.layers[index].inputs[0]).scale();
    const auto& weight_scale = quantized_.layers[index].weight_scale();
    std::vector<float> bias_scale;
    for (int o = 0; o < weight_scale.size(); ++o) {
      bias_scale.push_back(src_scale * weight_scale[o]);
      if (!std::isnormal(bias_scale.back())) {
        return absl::InvalidArgumentError(absl::StrCat(
            "package layer \"", LayerName(index), "\": the scale of bias[", o,
            "] is ", bias_scale.back(), ", which ONNX cannot hold"));
      }
    }
    return std::vector<std::string>{
        src,
        builder_.AddWeights(
            NodeName(index, "weights"), shape, FilterOihw(params),
            {weight_scale.data(), static_cast<size_t>(weight_scale.size())}),
        builder_.AddBias(NodeName(index, "bias"), params.bias, bias_scale)};
  }

  // Quantizes a layer's result with its activation and bounds.
  QuantizedTensor Store(int index, const std::string& result,
                        const quant::Requantization& to) {
    const quant::ChannelBounds bounds =
        quant::ChannelBoundsOf(quantized_, index);
    if (bounds.empty()) return Store(index, result, to, LayerName(index));
    return ClampChannels(
        index, bounds, Store(index, result, to, NodeName(index, "unbounded")));
  }

  QuantizedTensor Store(int index, const std::string& result,
                        const quant::Requantization& to,
                        const std::string& name) {
    v1::ActivationGrid grid = quantized_.grid(index);
    switch (ClampOf(index, to)) {
      case Clamp::kByConcat:
        grid.set_zero_point(0);
        [[fallthrough]];
      case Clamp::kBySaturation:
        return builder_.Quantize(Activated(index, result), name, grid);
      case Clamp::kByClip:
        break;
    }
    const QuantizedTensor free =
        builder_.Quantize(result, NodeName(index, "unclamped"), grid);
    const auto bound = [&](const std::string& which, int32_t stored) {
      const float real =
          grid.scale() * static_cast<float>(stored - to.zero_point);
      return builder_.AddFloats(NodeName(index, which), {}, {real});
    };
    const std::string clip = NodeName(index, "clip");
    builder_.AddNode("Clip", clip,
                     {builder_.Dequantize(free, NodeName(index, "clip.in")),
                      bound("clip.low", to.low), bound("clip.high", to.high)});
    return builder_.Quantize(clip, name, grid);
  }

  // Max and Min of real values: a stored value survives the way there and
  // back.
  QuantizedTensor ClampChannels(int index, const quant::ChannelBounds& bounds,
                                const QuantizedTensor& free) {
    std::string value = builder_.Dequantize(free, NodeName(index, "bounds.in"));
    const auto clamp = [&](const std::string& op, const std::string& which,
                           const std::vector<uint8_t>& stored) {
      const std::string name = NodeName(index, which);
      builder_.AddNode(op, name,
                       {value, AddRealBounds(index, name + ".value", stored)});
      value = name;
    };
    clamp("Max", "low", bounds.low);
    clamp("Min", "high", bounds.high);
    return builder_.Quantize(value, LayerName(index), quantized_.grid(index));
  }

  // A constant that stands for a value of each channel.
  std::string AddRealBounds(int index, const std::string& name,
                            const std::vector<uint8_t>& stored) {
    const nn::AffineGrid grid = quant::ToAffineGrid(quantized_.grid(index));
    std::vector<float> real;
    for (uint8_t bound : stored) real.push_back(quant::Dequantize(bound, grid));
    const auto channels = static_cast<int64_t>(real.size());
    // The rows of a linear layer's output have no height and width.
    const bool linear = graph_.layers[index].kind == LayerKind::kLinear;
    return builder_.AddFloats(name,
                              linear
                                  ? OnnxGraphBuilder::Shape{1, channels}
                                  : OnnxGraphBuilder::Shape{1, channels, 1, 1},
                              real);
  }

  // A ReLU that saturation performs stands in the graph for its readers;
  // runtimes drop it.
  std::string Activated(int index, const std::string& result) {
    const arch::Layer& layer = graph_.layers[index];
    if (layer.activation == v1::ACTIVATION_NONE ||
        layer.norm_after_activation) {
      return result;
    }
    const std::string relu = NodeName(index, "relu");
    builder_.AddNode("Relu", relu, {result});
    return relu;
  }

  Clamp ClampOf(int index, const quant::Requantization& to) const {
    if (to.high < quant::kStoredMax) return Clamp::kByClip;
    if (to.low == 0) return Clamp::kBySaturation;
    return to.low == to.zero_point && OnlyConcatsRead(index) ? Clamp::kByConcat
                                                             : Clamp::kByClip;
  }

  bool OnlyConcatsRead(int index) const {
    return std::all_of(graph_.layers.begin() + index, graph_.layers.end(),
                       [index](const arch::Layer& layer) {
                         return layer.kind == LayerKind::kConcat ||
                                std::find(layer.inputs.begin(),
                                          layer.inputs.end(),
                                          index) == layer.inputs.end();
                       });
  }

  // A reader's own dequantized form of each input.
  std::vector<std::string> Inputs(int index) {
    std::vector<std::string> names;
    for (int input : graph_.layers[index].inputs) {
      names.push_back(builder_.Dequantize(
          TensorOf(input), NodeName(index, absl::StrCat("in", names.size()))));
    }
    return names;
  }

  const QuantizedTensor& TensorOf(int index) const {
    return tensors_[index + 1];
  }
  const std::string& LayerName(int index) const {
    return graph_.layers[index].name;
  }
  std::string NodeName(int index, absl::string_view part) const {
    return absl::StrCat(LayerName(index), ".", part);
  }
  static std::vector<int64_t> Square(int size) { return {size, size}; }

  const quant::QuantizedGraph& quantized_;
  const arch::Graph& graph_;
  OnnxGraphBuilder& builder_;
  std::vector<QuantizedTensor> tensors_;  // by index + 1
};

}  // namespace

absl::StatusOr<QuantizedTensor> AddLayers(
    const quant::QuantizedGraph& quantized, const QuantizedTensor& input,
    OnnxGraphBuilder& builder) {
  return LayerAdder(quantized, builder).AddAll(input);
}

}  // namespace frostnas::deploy
