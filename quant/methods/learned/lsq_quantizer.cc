#include "quant/methods/learned/lsq_quantizer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"

namespace frostnas::quant {
namespace {

// Steps stay above this part of where they started, and so positive: the
// gradient of a step near zero would throw it across.
constexpr float kLeastStep = 0.01f;

std::vector<float> LeastOf(const std::vector<float>& first) {
  std::vector<float> least;
  for (const float step : first) {
    least.push_back(
        std::max(kLeastStep * step, std::numeric_limits<float>::min()));
  }
  return least;
}

Magnitudes MagnitudesOf(const std::vector<float>& weights,
                        const FilterLayout& layout, int first, int last) {
  Magnitudes magnitudes;
  double sum = 0;
  for (int c = first; c < last; ++c) {
    for (int64_t i = 0; i < layout.elements; ++i) {
      const double magnitude = std::abs(weights[layout.at(c, i)]);
      sum += magnitude;
      magnitudes.largest = std::max(magnitudes.largest, magnitude);
    }
  }
  magnitudes.mean = sum / static_cast<double>((last - first) * layout.elements);
  return magnitudes;
}

std::vector<float> FirstSteps(const std::vector<float>& weights,
                              const FilterLayout& layout,
                              WeightGranularity granularity, float q_max) {
  if (granularity == WeightGranularity::kPerTensor) {
    return {
        LsqFirstStep(MagnitudesOf(weights, layout, 0, layout.channels), q_max)};
  }
  std::vector<float> steps;
  for (int c = 0; c < layout.channels; ++c) {
    steps.push_back(
        LsqFirstStep(MagnitudesOf(weights, layout, c, c + 1), q_max));
  }
  return steps;
}

Steps ActivationSteps(bool is_signed, int bits) {
  const float half = static_cast<float>(1 << (bits - 1));
  return {.low = is_signed ? -half : 0.0f,
          .high = is_signed ? half - 1 : 2 * half - 1,
          .margin = kClipThenRound};
}

}  // namespace

double LsqGradientScale(int64_t count, double q_max) {
  return 1 / std::sqrt(static_cast<double>(count) * q_max);
}

float LsqFirstStep(const Magnitudes& values, double q_max) {
  const double step =
      std::min(2 * values.mean / std::sqrt(q_max), values.largest / q_max);
  const float first = static_cast<float>(step);
  return std::isnormal(first) ? first : 1.0f;
}

LsqWeights::LsqWeights(const std::string& layer,
                       const std::vector<float>& weights,
                       const FilterLayout& layout,
                       WeightGranularity granularity, int bits)
    : SymmetricWeights(bits, kClipThenRound, /*train_weights=*/true),
      channels_(layout.channels),
      gradient_scale_(
          LsqGradientScale(granularity == WeightGranularity::kPerTensor
                               ? layout.elements * layout.channels
                               : layout.elements,
                           steps().high)) {
  step_ = QuantizerParameter(absl::StrCat(layer, ".weight_step"), 0, 0);
  step_.value = FirstSteps(weights, layout, granularity, steps().high);
  step_.shape = {static_cast<int>(step_.value.size())};
  step_.ZeroGrad();
  least_ = LeastOf(step_.value);
}

void LsqWeights::Project() {
  for (size_t i = 0; i < least_.size(); ++i) {
    step_.value[i] = std::max(step_.value[i], least_[i]);
  }
}

std::vector<float> LsqWeights::scales() const {
  if (step_.value.size() > 1) return step_.value;
  return std::vector<float>(channels_, step_.value[0]);
}

void LsqWeights::AddGradient(const std::vector<double>& diff_scale) {
  const bool single = step_.value.size() == 1;
  for (size_t c = 0; c < diff_scale.size(); ++c) {
    step_.grad[single ? 0 : c] +=
        static_cast<float>(gradient_scale_ * diff_scale[c]);
  }
}

LsqGrid::LsqGrid(const std::string& name, const Magnitudes& values,
                 bool is_signed, int bits)
    : steps_(ActivationSteps(is_signed, bits)),
      step_(QuantizerParameter(absl::StrCat(name, ".step"), 1,
                               LsqFirstStep(values, steps_.high))),
      least_(LeastOf(step_.value)[0]) {}

void LsqGrid::Project() { step_.value[0] = std::max(step_.value[0], least_); }

nn::AffineGrid LsqGrid::grid() const {
  const int low = static_cast<int>(steps_.low);
  return {.scale = step_.value[0],
          .zero_point = -low,
          .qmin = 0,
          .qmax = static_cast<int>(steps_.high) - low};
}

void LsqGrid::Backward(const nn::Tensor& raw, nn::Tensor& diff) {
  const int64_t features = raw.elements() / raw.shape().n;
  const GradientSums sums = TakeGradient(raw, step_.value[0], steps_, diff);
  step_.grad[0] += static_cast<float>(LsqGradientScale(features, steps_.high) *
                                      sums.ByScale(steps_));
}

}  // namespace frostnas::quant
