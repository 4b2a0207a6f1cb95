// Affine grids and the arithmetic of requantization (design.md 5).
//
// real = scale * (stored - zero_point). Zero is always a point of the grid, so
// that padding and ReLU are exact. Rounding is half to even everywhere, which
// is what the processor's vector conversions do.
//
// Formulas: Jacob et al. (arXiv 1712.05877), section 2; goldens in methods.md
// 7.1 and 7.8. Pure functions; any thread.
#ifndef FROSTNAS_QUANT_GRID_H_
#define FROSTNAS_QUANT_GRID_H_

#include <cstdint>

#include "nn/quant_hooks.h"
#include "proto/frostnas/v1/package.pb.h"

namespace frostnas::quant {

// Stored activations are unsigned 8 bit.
inline constexpr int kStoredMax = 255;
// Weights use [-127, 127]; -128 stays free (symmetric).
inline constexpr int kWeightMax = 127;

// The narrowest range a grid is given: a tensor that was always zero still
// gets a usable scale.
inline constexpr float kMinRange = 1e-6f;

// The grid with 2^bits points that covers [min, max] and 0. A range that does
// not reach below zero gets zero point 0. Needs min <= max, both finite, and
// bits in [2, 16].
nn::AffineGrid ChooseGrid(float min, float max, int bits);

// Nearest integer, ties to even. Values beyond +-2^30 are clamped there, so
// that a caller may add a zero point and saturate.
int32_t RoundHalfEven(float value);
int32_t RoundHalfEven(double value);

// `value` on the grid: rounded, shifted by the zero point, saturated.
int32_t Quantize(float value, const nn::AffineGrid& grid);
float Dequantize(int32_t stored, const nn::AffineGrid& grid);

// Stored form: clamp(RoundHalfEven(acc * multiplier) + zero_point, low, high).
// The accumulator is converted to float first: exact below 2^24 and rounded to
// nearest above, as the vector kernels do.
struct Requantization {
  int32_t zero_point = 0;
  int32_t low = 0;
  int32_t high = kStoredMax;
};
uint8_t Requantize(int32_t accumulator, float multiplier,
                   const Requantization& to);
// The same for a value already multiplied.
uint8_t RequantizeScaled(float scaled, const Requantization& to);

nn::AffineGrid ToAffineGrid(const v1::ActivationGrid& grid);
// Needs a grid of 8 bits.
v1::ActivationGrid ToProto(const nn::AffineGrid& grid);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_GRID_H_
