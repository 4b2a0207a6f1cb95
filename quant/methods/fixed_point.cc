#include "quant/methods/fixed_point.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "quant/grid.h"
#include "quant/grid_groups.h"

namespace frostnas::quant {
namespace {

double StepOf(int fraction) { return std::ldexp(1.0, -fraction); }

double SquaredError(absl::Span<const float> values, const FixedPoint& format) {
  double sum = 0;
  for (float value : values) {
    const double error = ToFixedPoint(value, format) - value;
    sum += error * error;
  }
  return sum;
}

double Largest(absl::Span<const float> values) {
  double largest = 0;
  for (float value : values) {
    largest = std::max(largest, std::abs(static_cast<double>(value)));
  }
  return largest;
}

}  // namespace

int FixedPointMax(int bits) { return (1 << (bits - 1)) - 1; }

int FixedPointCode(double value, const FixedPoint& format) {
  const int largest = FixedPointMax(format.bits);
  return std::clamp(RoundHalfEven(std::ldexp(value, format.fraction)), -largest,
                    largest);
}

double ToFixedPoint(double value, const FixedPoint& format) {
  return FixedPointCode(value, format) * StepOf(format.fraction);
}

int NoClipFraction(double largest, int bits) {
  if (!(largest > 0)) return 0;
  return bits - 1 - static_cast<int>(std::ceil(std::log2(largest)));
}

int LeastErrorFraction(absl::Span<const float> values, int bits) {
  const int first = NoClipFraction(Largest(values), bits);
  int best = first;
  double least = SquaredError(values, {bits, first});
  for (int fraction = first + 1; fraction <= first + 2; ++fraction) {
    const double error = SquaredError(values, {bits, fraction});
    if (error >= least) continue;
    least = error;
    best = fraction;
  }
  return best;
}

nn::AffineGrid FixedPointGrid(const FixedPoint& format, ActivationForm form,
                              const Range& range) {
  nn::AffineGrid grid;
  grid.scale = static_cast<float>(StepOf(format.fraction));
  if (form == ActivationForm::kSigned) {
    grid.zero_point = 1 << (format.bits - 1);
    grid.qmin = grid.zero_point - FixedPointMax(format.bits);
    grid.qmax = grid.zero_point + FixedPointMax(format.bits);
    return grid;
  }
  grid.qmin = 0;
  grid.qmax = (1 << format.bits) - 1;
  // What does not fit is clipped at both ends in proportion.
  const double low = std::min(range.min, 0.0f) / grid.scale;
  const double high = std::max(range.max, 0.0f) / grid.scale;
  const double shrink = std::min(1.0, grid.qmax / std::max(high - low, 1e-30));
  grid.zero_point =
      std::clamp(RoundHalfEven(-low * shrink), grid.qmin, grid.qmax);
  return grid;
}

QuantizedWeights FixedPointWeightsOf(const arch::Layer& layer,
                                     const FoldedLayer& folded,
                                     const FixedPointLayer& format) {
  const FilterLayout layout = FilterLayoutOf(layer);
  QuantizedWeights quantized;
  quantized.weights.resize(folded.weights.size());
  for (int c = 0; c < layout.channels; ++c) {
    const std::vector<int>& fractions = format.weights.fractions;
    const FixedPoint point = {format.weights.bits,
                              fractions[fractions.size() == 1 ? 0 : c]};
    for (int64_t i = 0; i < layout.elements; ++i) {
      const int64_t at = layout.at(c, i);
      quantized.weights[at] =
          static_cast<int8_t>(FixedPointCode(folded.weights[at], point));
    }
    quantized.scale.push_back(static_cast<float>(StepOf(point.fraction)));
    quantized.bias.push_back(
        static_cast<float>(ToFixedPoint(folded.bias[c], format.bias)));
  }
  return quantized;
}

QuantizationPlan PlanOf(const FixedPointContext& context,
                        const FixedPointNetwork& choice) {
  const arch::Graph& graph = context.network.graph;
  const GridGroups groups(graph);
  QuantizationPlan plan;
  plan.input.grid = context.input;
  plan.layers.resize(graph.layers.size());
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    const int group = groups.group(static_cast<int>(i));
    plan.outputs.push_back(
        {group == groups.group(arch::kGraphInput)
             ? context.input
             : FixedPointGrid(choice.activations[group], context.form,
                              context.ranges[group])});
    if (!graph.layers[i].has_weights()) continue;
    plan.layers[i] = FixedPointWeightsOf(
        graph.layers[i], context.network.layers[i], choice.layers[i]);
  }
  return plan;
}

std::vector<LayerBits> BitsOf(const FixedPointContext& context,
                              const FixedPointNetwork& choice) {
  const GridGroups groups(context.network.graph);
  std::vector<LayerBits> bits;
  for (size_t i = 0; i < choice.layers.size(); ++i) {
    const int group = groups.group(static_cast<int>(i));
    bits.push_back({.weights = choice.layers[i].weights.bits,
                    .bias = choice.layers[i].bias.bits,
                    .activation = group == groups.group(arch::kGraphInput)
                                      ? 8
                                      : choice.activations[group].bits});
  }
  return bits;
}

}  // namespace frostnas::quant
