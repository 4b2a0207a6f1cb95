#include "quant/kernels/reference_layer.h"

#include <algorithm>

#include "quant/kernels/reference.h"
#include "quant/layer_params.h"

namespace frostnas::quant {
namespace {

MaxPoolGeometry WindowOf(const arch::Layer& layer) {
  const bool global = layer.kind == arch::LayerKind::kGlobalPool;
  return {.in_size = layer.in.size,
          .out_size = layer.out.size,
          .channels = layer.in.channels,
          .kernel = global ? layer.in.size : layer.kernel,
          .stride = global ? 1 : layer.stride};
}

void RunOperator(const QuantizedGraph& quantized, int index,
                 const LayerTensors& tensors) {
  const arch::Layer& layer = quantized.graph.layers[index];
  const auto& [batch, a, b, dst] = tensors;
  switch (layer.kind) {
    case arch::LayerKind::kConv:
    case arch::LayerKind::kDepthwise:
    case arch::LayerKind::kLinear:
      return ConvReference(ConvParamsOf(quantized, index), batch, a, dst);
    case arch::LayerKind::kConcat:
      return ConcatReference(layer.in.channels,
                             layer.out.channels - layer.in.channels, a, b, dst);
    case arch::LayerKind::kAdd:
      return AddReference(AddParamsOf(quantized, index), a, b, dst);
    case arch::LayerKind::kMaxPool:
      return MaxPoolReference(WindowOf(layer), a, dst);
    case arch::LayerKind::kGlobalPool:
      if (layer.pool == v1::GLOBAL_POOL_MAX) {
        return MaxPoolReference(WindowOf(layer), a, dst);
      }
      return AveragePoolReference(AveragePoolParamsOf(quantized, index), batch,
                                  a, dst);
    case arch::LayerKind::kDropout:
      std::copy(a.begin(), a.end(), dst.begin());
      return;
  }
}

}  // namespace

void RunReferenceLayer(const QuantizedGraph& quantized, int index,
                       const LayerTensors& tensors) {
  RunOperator(quantized, index, tensors);
  const ChannelBounds bounds = ChannelBoundsOf(quantized, index);
  if (!bounds.empty()) ClampChannelsReference(bounds, tensors.dst);
}

}  // namespace frostnas::quant
