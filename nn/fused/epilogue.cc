#include "nn/fused/epilogue.h"

#include <algorithm>
#include <cmath>

namespace frostnas::nn {

Epilogue ClampEpilogue(float low, float high) {
  return {.low = low, .high = high, .pass_low = low, .pass_high = high};
}

Epilogue QuantizeEpilogue(float low, float high, const AffineGrid& grid) {
  Epilogue epilogue = ClampEpilogue(low, high);
  const float inverse = 1.0f / grid.scale;
  if (!(grid.scale > 0) || !std::isfinite(grid.scale) ||
      !std::isfinite(inverse)) {
    return epilogue;
  }
  epilogue.quantize = true;
  epilogue.step = grid.scale;
  epilogue.inverse_step = inverse;
  epilogue.q_low = static_cast<float>(grid.qmin - grid.zero_point);
  epilogue.q_high = static_cast<float>(grid.qmax - grid.zero_point);
  epilogue.pass_low = std::max(low, (epilogue.q_low - 0.5f) * grid.scale);
  epilogue.pass_high = std::min(high, (epilogue.q_high + 0.5f) * grid.scale);
  return epilogue;
}

float ApplyEpilogue(const Epilogue& epilogue, float v) {
  v = std::min(std::max(v, epilogue.low), epilogue.high);
  if (!epilogue.quantize) return v;
  const float q = std::nearbyint(v * epilogue.inverse_step);
  return std::clamp(q, epilogue.q_low, epilogue.q_high) * epilogue.step;
}

}  // namespace frostnas::nn
