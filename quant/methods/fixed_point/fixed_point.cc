#include "quant/methods/fixed_point/fixed_point.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "quant/grid.h"
#include "quant/grid_groups.h"
#include "quant/methods/ranges/ranges.h"

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

std::vector<int8_t> RoundFilter(std::vector<float> filter,
                                const FixedPoint& format,
                                const InputStatistics& inputs) {
  if (!inputs.empty()) {
    for (float& weight : filter) weight = std::ldexp(weight, format.fraction);
    return RoundWithFeedback(std::move(filter), FixedPointMax(format.bits),
                             inputs.feedback);
  }
  std::vector<int8_t> rounded;
  for (float weight : filter) {
    rounded.push_back(static_cast<int8_t>(FixedPointCode(weight, format)));
  }
  return rounded;
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

nn::AffineGrid LeastErrorGrid(const FixedPoint& format,
                              const Histogram& values) {
  nn::AffineGrid grid =
      FixedPointGrid(format, ActivationForm::kOffset, values.range());
  // From what clips in proportion to what does not clip below.
  const int last = std::clamp(
      RoundHalfEven(-std::min(values.range().min, 0.0f) / grid.scale),
      grid.zero_point, grid.qmax);
  nn::AffineGrid best = grid;
  double least = MeanSquaredError(values, grid);
  for (++grid.zero_point; grid.zero_point <= last; ++grid.zero_point) {
    const double error = MeanSquaredError(values, grid);
    if (error >= least) continue;
    least = error;
    best = grid;
  }
  return best;
}

std::vector<float> FilterOf(const FilterLayout& layout,
                            absl::Span<const float> weights, int channel) {
  std::vector<float> filter;
  for (int64_t i = 0; i < layout.elements; ++i) {
    filter.push_back(weights[layout.at(channel, i)]);
  }
  return filter;
}

QuantizedWeights FixedPointWeightsOf(const arch::Layer& layer,
                                     const FoldedLayer& folded,
                                     const FixedPointLayer& format,
                                     const InputStatistics& inputs) {
  const FilterLayout layout = FilterLayoutOf(layer);
  const std::vector<int>& fractions = format.weights.fractions;
  QuantizedWeights quantized;
  quantized.weights.resize(folded.weights.size());
  for (int c = 0; c < layout.channels; ++c) {
    const FixedPoint point = {format.weights.bits,
                              fractions[fractions.size() == 1 ? 0 : c]};
    const std::vector<int8_t> filter =
        RoundFilter(FilterOf(layout, folded.weights, c), point, inputs);
    // What the mean of the output loses.
    double lost = 0;
    for (int64_t i = 0; i < layout.elements; ++i) {
      const int64_t at = layout.at(c, i);
      quantized.weights[at] = filter[i];
      if (inputs.empty()) continue;
      lost += inputs.mean[i] *
              (folded.weights[at] - filter[i] * StepOf(point.fraction));
    }
    quantized.scale.push_back(static_cast<float>(StepOf(point.fraction)));
    quantized.bias.push_back(
        static_cast<float>(ToFixedPoint(folded.bias[c] + lost, format.bias)));
  }
  return quantized;
}

FixedPointPlanner::FixedPointPlanner(const FixedPointContext& context)
    : context_(context),
      groups_(context.network.graph),
      planned_(context.network.layers.size()) {
  plan_.input.grid = context.input;
  plan_.layers.resize(planned_.size());
  plan_.outputs.resize(planned_.size());
}

nn::AffineGrid FixedPointPlanner::GridOf(int group, const FixedPoint& format) {
  if (context_.values.empty()) {
    return FixedPointGrid(format, context_.form, context_.ranges[group]);
  }
  const auto key = std::tuple(group, format.bits, format.fraction);
  auto found = grids_.find(key);
  if (found == grids_.end()) {
    found = grids_.emplace(key, LeastErrorGrid(format, context_.values[group]))
                .first;
  }
  return found->second;
}

const QuantizationPlan& FixedPointPlanner::PlanOf(
    const FixedPointNetwork& choice) {
  const arch::Graph& graph = context_.network.graph;
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    const int group = groups_.group(static_cast<int>(i));
    plan_.outputs[i].grid = group == groups_.group(arch::kGraphInput)
                                ? context_.input
                                : GridOf(group, choice.activations[group]);
    const FixedPointLayer& format = choice.layers[i];
    if (!graph.layers[i].has_weights() || format == planned_[i]) continue;
    const Key key = {static_cast<int>(i), format.weights.bits,
                     format.weights.fractions, format.bias.bits,
                     format.bias.fraction};
    auto found = rounded_.find(key);
    if (found == rounded_.end()) {
      found =
          rounded_
              .emplace(key,
                       FixedPointWeightsOf(
                           graph.layers[i], context_.network.layers[i], format,
                           context_.inputs.empty() ? InputStatistics()
                                                   : context_.inputs[i]))
              .first;
    }
    plan_.layers[i] = found->second;
    planned_[i] = format;
  }
  return plan_;
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
