// What happens to a value after its channel's scale and shift: an activation's
// clamp, then rounding to a grid.
//
//   v = scale[c] * src + shift[c]
//   dst = Round(Clamp(v))
//
// Gradients pass (straight through the rounding) where v lies strictly inside
// the clamp and within half a step of the grid, and are 0 elsewhere.
//
// Values; thread-compatible.
#ifndef FROSTNAS_NN_FUSED_EPILOGUE_H_
#define FROSTNAS_NN_FUSED_EPILOGUE_H_

#include <limits>

#include "nn/quant_hooks.h"

namespace frostnas::nn {

struct Epilogue {
  static constexpr float kInfinity = std::numeric_limits<float>::infinity();

  // Clamp: (0, inf) for ReLU, (0, 6) for ReLU6, everything for none.
  float low = -kInfinity;
  float high = kInfinity;
  // Grid in units of its step, without the zero point: q_low <= q <= q_high.
  bool quantize = false;
  float step = 1;
  float inverse_step = 1;
  float q_low = 0;
  float q_high = 0;
  // The gradient passes where pass_low < v < pass_high.
  float pass_low = -kInfinity;
  float pass_high = kInfinity;
};

// Without quantization.
Epilogue ClampEpilogue(float low, float high);

// With `grid`. A grid whose scale is not a positive finite number (nothing or
// only zeros were observed) quantizes nothing.
Epilogue QuantizeEpilogue(float low, float high, const AffineGrid& grid);

// One value through the clamp and the grid (round half to even).
float ApplyEpilogue(const Epilogue& epilogue, float v);

inline bool Passes(const Epilogue& epilogue, float v) {
  return v > epilogue.pass_low && v < epilogue.pass_high;
}

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_FUSED_EPILOGUE_H_
