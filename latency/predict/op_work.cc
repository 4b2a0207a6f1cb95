#include "latency/predict/op_work.h"

#include "arch/graph.h"
#include "arch/op_key.h"
#include "base/status_macros.h"

namespace frostnas::latency {
namespace {

double Bytes(const arch::FeatureShape& shape) {
  return static_cast<double>(shape.size) * shape.size * shape.channels;
}

double BytesRead(const arch::Layer& layer) {
  switch (layer.kind) {
    case arch::LayerKind::kAdd:
      return 2 * Bytes(layer.in);
    case arch::LayerKind::kConcat:
      return Bytes(layer.out);
    default:
      return Bytes(layer.in);
  }
}

double WeightBytes(const arch::Layer& layer) {
  const double window = static_cast<double>(layer.kernel) * layer.kernel;
  switch (layer.kind) {
    case arch::LayerKind::kConv:
    case arch::LayerKind::kLinear:
      return window * layer.in.channels * layer.out.channels;
    case arch::LayerKind::kDepthwise:
      return window * layer.out.channels;
    default:
      return 0;
  }
}

}  // namespace

absl::StatusOr<OpWork> OpWorkOf(const v1::OpKey& op) {
  ASSIGN_OR_RETURN(const arch::Layer layer, arch::LayerOf(op));
  OpWork work;
  const bool pointwise =
      layer.kind == arch::LayerKind::kConv && layer.kernel == 1;
  work.kind = pointwise ? "pointwise" : op.kind();
  work.activation_bytes = BytesRead(layer) + Bytes(layer.out);
  work.weight_bytes = WeightBytes(layer);
  return work;
}

}  // namespace frostnas::latency
