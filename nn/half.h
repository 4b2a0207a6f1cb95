// Floating-point numbers of 16 bits, to keep in memory; arithmetic is in single
// precision. Conversions round to nearest, ties to even; a NaN of arithmetic
// stays one.
//
//            significand   largest
//   Float16    11 bits      65504    activations: fine steps, little range
//   BFloat16    8 bits      3.4e38   gradients: the range of a float
#ifndef FROSTNAS_NN_HALF_H_
#define FROSTNAS_NN_HALF_H_

#include <bit>
#include <cstdint>

namespace frostnas::nn {

// IEEE 754 binary16. Larger numbers become infinity.
struct Float16 {
  uint16_t bits;
};

// The upper half of a float.
struct BFloat16 {
  uint16_t bits;
};

inline BFloat16 RoundToBFloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t odd = (bits >> 16) & 1;
  return {static_cast<uint16_t>((bits + 0x7FFF + odd) >> 16)};
}

inline float ToFloat(BFloat16 value) {
  return std::bit_cast<float>(uint32_t{value.bits} << 16);
}

inline Float16 RoundToFloat16(float value) {
  constexpr uint32_t kInfinity = 0x7F800000;  // of floats, as the next two
  constexpr uint32_t kOverflow = (127u + 16) << 23;
  constexpr uint32_t kSmallestNormal = (127u - 14) << 23;
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000;
  uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude >= kOverflow) {
    magnitude = magnitude > kInfinity ? 0x7E00 : 0x7C00;
  } else if (magnitude < kSmallestNormal) {
    // Adding a number whose last bit is worth the smallest Float16 rounds.
    constexpr uint32_t kMagic = (127u - 15 + 23 - 10 + 1) << 23;
    const float sum =
        std::bit_cast<float>(magnitude) + std::bit_cast<float>(kMagic);
    magnitude = std::bit_cast<uint32_t>(sum) - kMagic;
  } else {
    const uint32_t odd = (magnitude >> 13) & 1;
    magnitude = (magnitude - (112u << 23) + 0xFFF + odd) >> 13;
  }
  return {static_cast<uint16_t>(sign | magnitude)};
}

inline float ToFloat(Float16 value) {
  const uint32_t sign = (uint32_t{value.bits} & 0x8000) << 16;
  const uint32_t magnitude = value.bits & 0x7FFF;
  if (magnitude >= 0x7C00) {  // infinity, NaN
    return std::bit_cast<float>(sign | 0x7F800000 |
                                ((magnitude & 0x3FF) << 13));
  }
  // Exact, subnormal numbers included: 2^112 makes up for the other bias.
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(scaled));
}

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_HALF_H_
