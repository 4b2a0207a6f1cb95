#include "quant/methods/cost.h"

#include <cstddef>
#include <vector>

#include "base/check.h"
#include "quant/grid_groups.h"
#include "quant/layer_params.h"

namespace frostnas::quant {
namespace {

constexpr double kBitsPerKb = 8 * 1024;

double Kilobytes(int bits, int64_t count) {
  return bits * static_cast<double>(count) / kBitsPerKb;
}

}  // namespace

NetworkCost CostOfLayer(const arch::Layer& layer, const LayerBits& bits) {
  NetworkCost cost;
  if (!MovesValues(layer)) {
    cost.activations_kb = Kilobytes(bits.activation, Elements(layer.out));
  }
  if (!layer.has_weights()) return cost;
  const ConvGeometry geometry = GeometryOf(layer);
  const int64_t weights = geometry.filter_elements() * geometry.out_channels;
  cost.weights_kb = Kilobytes(bits.weights, weights);
  cost.biases_kb = Kilobytes(bits.bias, geometry.out_channels);
  cost.multiplications = static_cast<double>(bits.weights) *
                         static_cast<double>(weights) * bits.activation *
                         geometry.out_size * geometry.out_size;
  return cost;
}

NetworkCost CostOf(const arch::Graph& graph, absl::Span<const LayerBits> bits) {
  CHECK_EQ(bits.size(), graph.layers.size());
  NetworkCost sum;
  for (size_t i = 0; i < bits.size(); ++i) {
    const NetworkCost cost = CostOfLayer(graph.layers[i], bits[i]);
    sum.weights_kb += cost.weights_kb;
    sum.biases_kb += cost.biases_kb;
    sum.activations_kb += cost.activations_kb;
    sum.multiplications += cost.multiplications;
  }
  return sum;
}

NetworkCost EightBitCost(const arch::Graph& graph) {
  return CostOf(graph, std::vector<LayerBits>(
                           graph.layers.size(),
                           {.weights = 8, .bias = 8, .activation = 8}));
}

Saving SavingOf(const NetworkCost& cost, const NetworkCost& baseline) {
  return {
      .memory = 1 - cost.memory_kb() / baseline.memory_kb(),
      .multiplications = 1 - cost.multiplications / baseline.multiplications};
}

}  // namespace frostnas::quant
