#include "nn/modules/first_activation.h"

namespace frostnas::nn {

FirstActivation::FirstActivation(int channels, float low, float high)
    : clamp_(ClampEpilogue(low, high)),
      zeros_(static_cast<size_t>(channels), 0.0f),
      add_bias_{std::vector<float>(zeros_.size(), 1.0f), zeros_},
      identity_(add_bias_),
      gate_(identity_, clamp_, {.offset = zeros_, .slope = zeros_}) {}

void FirstActivation::Prepare(const std::vector<float>& bias) {
  add_bias_.shift = bias;
  forward_.Set(add_bias_, clamp_);
}

void FirstActivation::StartBackward(int parts) {
  parts_ = StartParts(kept_parts_, parts, identity_, clamp_, zeros_);
}

void FirstActivation::Backward(int part, int64_t rows, ConstElements u,
                               Elements diff) {
  parts_[part].Add(rows, u, diff.f32());
  gate_.Apply(rows, u, diff, diff);
}

const std::vector<double>& FirstActivation::EndBackward() {
  CombineGradients(parts_, sums_);
  return sums_.sum;
}

}  // namespace frostnas::nn
