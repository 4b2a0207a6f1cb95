#include "arch/cost.h"

namespace frostnas::arch {

Cost& Cost::operator+=(const Cost& other) {
  params += other.params;
  macs += other.macs;
  package_bytes += other.package_bytes;
  return *this;
}

Cost LayerCost(const Layer& layer) {
  if (!layer.has_weights()) return {};
  constexpr int64_t kBytesPerChannel = sizeof(int32_t) + sizeof(float);
  const int64_t window = int64_t{layer.kernel} * layer.kernel;
  const int64_t fan_in =
      layer.kind == LayerKind::kDepthwise ? window : window * layer.in.channels;
  const int64_t channels = layer.out.channels;
  const int64_t pixels = int64_t{layer.out.size} * layer.out.size;

  int64_t vectors = layer.batch_norm ? 2 : 1;  // scale and shift, or a bias
  if (layer.norm_after_activation) vectors = 3;
  return {.params = fan_in * channels + vectors * channels,
          .macs = fan_in * channels * pixels,
          .package_bytes = fan_in * channels + kBytesPerChannel * channels};
}

Cost GraphCost(const Graph& graph) {
  Cost total;
  for (const Layer& layer : graph.layers) total += LayerCost(layer);
  return total;
}

}  // namespace frostnas::arch
