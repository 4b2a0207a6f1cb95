#include "quant/grid.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace frostnas::quant {
namespace {

constexpr double kRoundLimit = 1 << 30;

}  // namespace

nn::AffineGrid ChooseGrid(float min, float max, int bits) {
  min = std::min(min, 0.0f);
  max = std::max({max, 0.0f, min + kMinRange});
  nn::AffineGrid grid;
  grid.qmin = 0;
  grid.qmax = (1 << bits) - 1;
  // In double: max - min may not be a float.
  const double range = static_cast<double>(max) - min;
  grid.scale = static_cast<float>(range / grid.qmax);
  grid.zero_point = std::clamp(RoundHalfEven(-min / (range / grid.qmax)),
                               grid.qmin, grid.qmax);
  return grid;
}

int32_t RoundHalfEven(double value) {
  return static_cast<int32_t>(
      std::nearbyint(std::clamp(value, -kRoundLimit, kRoundLimit)));
}

int32_t RoundHalfEven(float value) {
  return RoundHalfEven(static_cast<double>(value));
}

int32_t Quantize(float value, const nn::AffineGrid& grid) {
  return std::clamp(RoundHalfEven(value / grid.scale) + grid.zero_point,
                    grid.qmin, grid.qmax);
}

float Dequantize(int32_t stored, const nn::AffineGrid& grid) {
  return grid.scale * static_cast<float>(stored - grid.zero_point);
}

uint8_t RequantizeScaled(float scaled, const Requantization& to) {
  return static_cast<uint8_t>(
      std::clamp(RoundHalfEven(scaled) + to.zero_point, to.low, to.high));
}

uint8_t Requantize(int32_t accumulator, float multiplier,
                   const Requantization& to) {
  return RequantizeScaled(static_cast<float>(accumulator) * multiplier, to);
}

nn::AffineGrid ToAffineGrid(const v1::ActivationGrid& grid) {
  return {.scale = grid.scale(),
          .zero_point = grid.zero_point(),
          .qmin = 0,
          .qmax = kStoredMax};
}

v1::ActivationGrid ToProto(const nn::AffineGrid& grid) {
  v1::ActivationGrid proto;
  proto.set_scale(grid.scale);
  proto.set_zero_point(grid.zero_point);
  return proto;
}

}  // namespace frostnas::quant
