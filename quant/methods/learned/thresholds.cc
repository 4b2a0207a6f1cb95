#include "quant/methods/learned/thresholds.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "quant/grid.h"

namespace frostnas::quant {
namespace {

Steps ThresholdSteps(const Range& range, int bits) {
  const int q_max = (1 << (range.min < 0 ? bits - 1 : bits)) - 1;
  return {.low = static_cast<float>(range.min < 0 ? -q_max : 0),
          .high = static_cast<float>(q_max),
          .margin = kRoundThenClip};
}

void ClampFactor(float& factor) {
  factor = std::clamp(factor, kLeastThreshold, kMostThreshold);
}

}  // namespace

WeightThresholds::WeightThresholds(const std::string& layer,
                                   const std::vector<float>& scales,
                                   WeightGranularity granularity, int bits)
    : SymmetricWeights(bits, kRoundThenClip, /*train_weights=*/false),
      full_(scales),
      factor_(QuantizerParameter(
          absl::StrCat(layer, ".weight_threshold"),
          granularity == WeightGranularity::kPerTensor ? 1 : scales.size(),
          1)) {}

void WeightThresholds::Project() {
  for (float& factor : factor_.value) ClampFactor(factor);
}

std::vector<float> WeightThresholds::scales() const {
  const bool single = factor_.value.size() == 1;
  std::vector<float> scales = full_;
  for (size_t c = 0; c < scales.size(); ++c) {
    scales[c] *= factor_.value[single ? 0 : c];
  }
  return scales;
}

void WeightThresholds::AddGradient(const std::vector<double>& diff_scale) {
  const bool single = factor_.value.size() == 1;
  for (size_t c = 0; c < diff_scale.size(); ++c) {
    factor_.grad[single ? 0 : c] +=
        static_cast<float>(full_[c] * diff_scale[c]);
  }
}

SymmetricThreshold::SymmetricThreshold(const std::string& name,
                                       const Range& range, int bits)
    : steps_(ThresholdSteps(range, bits)),
      threshold_(std::max({-range.min, range.max, kMinRange})),
      factor_(QuantizerParameter(absl::StrCat(name, ".threshold"), 1, 1)) {}

void SymmetricThreshold::Project() { ClampFactor(factor_.value[0]); }

nn::AffineGrid SymmetricThreshold::grid() const {
  // The lowest stored value, one below -q_max, stays unused.
  const int q_max = static_cast<int>(steps_.high);
  const bool is_signed = steps_.low < 0;
  return {.scale = factor_.value[0] * threshold_ / steps_.high,
          .zero_point = is_signed ? q_max + 1 : 0,
          .qmin = is_signed ? 1 : 0,
          .qmax = is_signed ? 2 * q_max + 1 : q_max};
}

void SymmetricThreshold::Backward(const nn::Tensor& raw, nn::Tensor& diff) {
  const GradientSums sums = TakeGradient(raw, grid().scale, steps_, diff);
  factor_.grad[0] +=
      static_cast<float>(sums.ByScale(steps_) * threshold_ / steps_.high);
}

AsymmetricThreshold::AsymmetricThreshold(const std::string& name,
                                         const Range& range, int bits)
    : range_(range),
      bits_(bits),
      factors_(QuantizerParameter(absl::StrCat(name, ".threshold"), 2, 0)) {
  factors_.value[0] = 1;
}

void AsymmetricThreshold::Project() {
  ClampFactor(factors_.value[0]);
  factors_.value[1] = std::clamp(
      factors_.value[1], range_.min < 0 ? kLeastShift : 0.0f, kMostShift);
}

// The right end from the calibrated one, so that 1 and 0 give just that.
Range AsymmetricThreshold::Adjusted() const {
  const float shift = factors_.value[1];
  return {.min = range_.min + shift * width(),
          .max = range_.max + (shift + (factors_.value[0] - 1)) * width()};
}

nn::AffineGrid AsymmetricThreshold::grid() const {
  const Range adjusted = Adjusted();
  // Both factors at their ends may leave nothing above zero.
  return ChooseGrid(adjusted.min, std::max(adjusted.max, adjusted.min), bits_);
}

void AsymmetricThreshold::Backward(const nn::Tensor& raw, nn::Tensor& diff) {
  const nn::AffineGrid grid = this->grid();
  const GradientSums sums =
      TakeGradient(raw, grid.scale,
                   {.low = static_cast<float>(grid.qmin - grid.zero_point),
                    .high = static_cast<float>(grid.qmax - grid.zero_point),
                    .margin = kRoundThenClip},
                   diff);
  const Range ends = Adjusted();
  const double low = std::min(ends.min, 0.0f);
  const double remainder = grid.zero_point + low / grid.scale;
  const double by_scale = sums.residual - remainder * (sums.below + sums.above);
  const double by_low = sums.below - by_scale / grid.qmax;
  const double by_high = sums.above + by_scale / grid.qmax;
  // An end that was extended to zero does not move.
  const double moved_low = ends.min < 0 ? by_low : 0;
  const double moved_high = ends.max > 0 ? by_high : 0;
  factors_.grad[0] += static_cast<float>(width() * moved_high);
  factors_.grad[1] += static_cast<float>(width() * (moved_low + moved_high));
}

}  // namespace frostnas::quant
