// RandomQuantizedGraph of quant/quantized_graph.h.
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "quant/grid.h"
#include "quant/grid_groups.h"
#include "quant/layer_params.h"
#include "quant/quantized_graph.h"

namespace frostnas::quant {
namespace {

// Roots of mean squares of uniform weights and of stored values about their
// zero point, roughly.
constexpr double kTypicalWeight = 73;
constexpr double kTypicalValue = 80;
// Standard deviation of an output in steps.
constexpr double kTypicalOutput = 50;

int Integer(int low, int high, Random& random) {
  return low + static_cast<int>(random.UniformInt(high - low + 1));
}

bool NeverNegative(const arch::Layer& layer) {
  if (layer.norm_after_activation) return false;
  return layer.activation == v1::ACTIVATION_RELU ||
         layer.activation == v1::ACTIVATION_RELU6 ||
         layer.kind == arch::LayerKind::kGlobalPool;
}

// A grid a group: affine unless all its members are ReLU outputs.
std::vector<v1::ActivationGrid> RandomGrids(const arch::Graph& graph,
                                            const GridGroups& groups,
                                            Random& random) {
  std::vector<bool> affine(groups.num_groups(), false);
  affine[groups.group(arch::kGraphInput)] = true;
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    const arch::Layer& layer = graph.layers[i];
    if (MovesValues(layer) || NeverNegative(layer)) continue;
    affine[groups.group(static_cast<int>(i))] = true;
  }
  std::vector<v1::ActivationGrid> grids(groups.num_groups());
  for (int g = 0; g < groups.num_groups(); ++g) {
    grids[g].set_scale(static_cast<float>(random.Uniform(0.02, 0.06)));
    grids[g].set_zero_point(affine[g] ? Integer(90, 165, random) : 0);
  }
  return grids;
}

void FillWeights(const arch::Layer& layer, float src_scale, Random& random,
                 v1::PackageLayer& to) {
  const ConvGeometry geometry = GeometryOf(layer);
  const int64_t elements = geometry.filter_elements();
  const double typical =
      kTypicalOutput / (std::sqrt(static_cast<double>(elements)) *
                        kTypicalWeight * kTypicalValue);
  to.mutable_weights()->resize(elements * geometry.out_channels);
  for (char& weight : *to.mutable_weights()) {
    weight = static_cast<char>(Integer(-kWeightMax, kWeightMax, random));
  }
  for (int o = 0; o < geometry.out_channels; ++o) {
    const double multiplier = typical * random.Uniform(0.5, 1.5);
    to.add_weight_scale(
        static_cast<float>(multiplier * to.output().scale() / src_scale));
    to.add_bias(RoundHalfEven(random.Uniform(-30, 30) / multiplier));
  }
}

// Of y = f * relu(u) + b, with both signs of f and b around 0.
void FillBounds(const arch::Layer& layer, Random& random,
                v1::PackageLayer& to) {
  for (int c = 0; c < layer.out.channels; ++c) {
    const int bound = to.output().zero_point() + Integer(-40, 40, random);
    const bool below = random.Bernoulli(0.7);
    to.mutable_low()->push_back(static_cast<char>(below ? bound : 0));
    to.mutable_high()->push_back(static_cast<char>(below ? kStoredMax : bound));
  }
}

}  // namespace

QuantizedGraph RandomQuantizedGraph(const arch::Graph& graph, uint64_t seed) {
  Random random(seed);
  const GridGroups groups(graph);
  const std::vector<v1::ActivationGrid> grids =
      RandomGrids(graph, groups, random);
  QuantizedGraph quantized;
  quantized.graph = graph;
  quantized.input = grids[groups.group(arch::kGraphInput)];
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    const arch::Layer& layer = graph.layers[i];
    v1::PackageLayer& stored = quantized.layers.emplace_back();
    stored.set_name(layer.name);
    *stored.mutable_output() = grids[groups.group(static_cast<int>(i))];
    if (layer.has_weights()) {
      FillWeights(layer, quantized.grid(layer.inputs[0]).scale(), random,
                  stored);
    }
    if (layer.norm_after_activation) FillBounds(layer, random, stored);
  }
  return quantized;
}

}  // namespace frostnas::quant
