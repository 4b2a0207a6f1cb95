// Gradients past rounding to a grid whose scale is learned, by the
// straight-through estimator: the rounding's derivative is 1.
//
// With v = x / s and integers low <= 0 <= high, quantized x is
//
//   s round(v) inside      d/ds = round(v) - v    d/dx = 1
//   s low      below       d/ds = low             d/dx = 0
//   s high     above       d/ds = high            d/dx = 0
//
// (LSQ, Esser et al., arXiv 1902.08153, equation 3). What counts as inside
// differs: LSQ clips before it rounds, thresholds after.
//
// Pure functions; any thread.
#ifndef FROSTNAS_QUANT_METHODS_LEARNED_ROUNDING_GRADIENT_H_
#define FROSTNAS_QUANT_METHODS_LEARNED_ROUNDING_GRADIENT_H_

#include <cstdint>

#include "nn/quant_hooks.h"
#include "nn/tensor.h"

namespace frostnas::quant {

// Integers of a grid without its zero point, and how far past them v still
// counts as inside.
struct Steps {
  float low = 0;
  float high = 0;
  float margin = 0;
};
// low < v < high.
inline constexpr float kClipThenRound = 0;
// low <= round(v) <= high, but for ties.
inline constexpr float kRoundThenClip = 0.5f;

// Half to even. Exact for |v| < 2^22, and beyond that far outside every grid.
inline float RoundStep(float v) {
  constexpr float kNoFraction = 12582912.0f;
  return (v + kNoFraction) - kNoFraction;
}

// d (quantized x) / ds.
inline float StepGradient(float v, const Steps& steps) {
  if (v <= steps.low - steps.margin) return steps.low;
  if (v >= steps.high + steps.margin) return steps.high;
  return RoundStep(v) - v;
}

// d (quantized x) / dx.
inline float PassedGradient(float v, const Steps& steps) {
  return v > steps.low - steps.margin && v < steps.high + steps.margin ? 1 : 0;
}

// Sums over a tensor of its gradient by the quantized values.
struct GradientSums {
  double residual = 0;  // inside, times round(v) - v
  double below = 0;
  double above = 0;

  // By the scale, where low and high stay.
  double ByScale(const Steps& steps) const {
    return residual + steps.low * below + steps.high * above;
  }
};

// Of `diff` at `raw`, leaving in `diff` the gradient by raw. On the compute
// threads; repeats for one number of them. scale > 0.
GradientSums TakeGradient(const nn::Tensor& raw, float scale,
                          const Steps& steps, nn::Tensor& diff);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_LEARNED_ROUNDING_GRADIENT_H_
