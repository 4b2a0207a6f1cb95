#include "quant/methods/ranges/weight_scales.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace frostnas::quant {
namespace {

// Not empty.
float AbsolutePercentile(absl::Span<const float> weights, double percentile) {
  std::vector<float> magnitudes;
  for (const float w : weights) magnitudes.push_back(std::abs(w));
  std::sort(magnitudes.begin(), magnitudes.end());
  const double at =
      static_cast<double>(magnitudes.size() - 1) * percentile / 100;
  const size_t below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, magnitudes.size() - 1);
  const double part = at - static_cast<double>(below);
  return static_cast<float>((1 - part) * magnitudes[below] +
                            part * magnitudes[above]);
}

double SquaredError(absl::Span<const float> weights, float scale, int q_max) {
  const float limit = static_cast<float>(q_max);
  double sum = 0;
  for (const float w : weights) {
    const float q = std::clamp(std::nearbyint(w / scale), -limit, limit);
    const double error = double{w} - double{q} * scale;
    sum += error * error;
  }
  return sum;
}

bool Usable(float scale) { return scale > 0 && std::isfinite(1 / scale); }

float LeastErrorScale(absl::Span<const float> weights, float full, int q_max) {
  float best = full;
  double least = SquaredError(weights, full, q_max);
  for (int percent = 99; percent >= kLeastRatio; --percent) {
    const float scale = full * static_cast<float>(percent) / 100;
    if (!Usable(scale)) break;
    const double error = SquaredError(weights, scale, q_max);
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

float ScaleOf(absl::Span<const float> weights, const RangeOptions& options) {
  const int q_max = (1 << (options.bits - 1)) - 1;
  const double percentile =
      options.method == RangeMethod::kPercentile ? options.percentile : 100;
  // In float, as fake quantization computes it (nn/modules/weights.cc).
  const float scale =
      AbsolutePercentile(weights, percentile) / static_cast<float>(q_max);
  if (!Usable(scale)) return 1;
  return options.method == RangeMethod::kMse
             ? LeastErrorScale(weights, scale, q_max)
             : scale;
}

}  // namespace

std::vector<float> ChooseWeightScales(absl::Span<const float> weights,
                                      const FilterLayout& layout,
                                      WeightGranularity granularity,
                                      const RangeOptions& options) {
  if (granularity == WeightGranularity::kPerTensor) {
    return std::vector<float>(layout.channels, ScaleOf(weights, options));
  }
  std::vector<float> scales;
  for (int c = 0; c < layout.channels; ++c) {
    std::vector<float> filter(layout.elements);
    for (int64_t i = 0; i < layout.elements; ++i) {
      filter[i] = weights[layout.at(c, i)];
    }
    scales.push_back(ScaleOf(filter, options));
  }
  return scales;
}

}  // namespace frostnas::quant
