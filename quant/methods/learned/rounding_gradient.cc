#include "quant/methods/learned/rounding_gradient.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "nn/threads.h"

namespace frostnas::quant {
namespace {

constexpr int64_t kGrain = 1 << 14;  // values a thread must get
constexpr int64_t kBlock = 1 << 10;  // values summed in single precision

// The blocks' sums are of few enough values to be taken in single precision.
GradientSums TakeBlock(const float* raw, float scale, const Steps& steps,
                       int64_t count, float* diff) {
  float residual = 0, below = 0, above = 0;
  const float low = steps.low - steps.margin;
  const float high = steps.high + steps.margin;
  for (int64_t i = 0; i < count; ++i) {
    const float v = raw[i] / scale;
    const float g = diff[i];
    const bool is_below = v <= low;
    const bool is_above = v >= high;
    const float inside = is_below || is_above ? 0.0f : g;
    below += is_below ? g : 0.0f;
    above += is_above ? g : 0.0f;
    residual += inside * (RoundStep(v) - v);
    diff[i] = inside;
  }
  return {residual, below, above};
}

}  // namespace

GradientSums TakeGradient(const nn::Tensor& raw, float scale,
                          const Steps& steps, nn::Tensor& diff) {
  CHECK(raw.shape() == diff.shape());
  const int64_t count = raw.elements();
  std::vector<GradientSums> parts(nn::PartCount(count, kGrain));
  nn::ParallelFor(count, kGrain, [&](const nn::Part& part) {
    for (int64_t at = part.begin; at < part.end; at += kBlock) {
      const GradientSums sums =
          TakeBlock(raw.data() + at, scale, steps,
                    std::min(kBlock, part.end - at), diff.data() + at);
      parts[part.index].residual += sums.residual;
      parts[part.index].below += sums.below;
      parts[part.index].above += sums.above;
    }
  });
  GradientSums total;
  for (const GradientSums& part : parts) {
    total.residual += part.residual;
    total.below += part.below;
    total.above += part.above;
  }
  return total;
}

}  // namespace frostnas::quant
