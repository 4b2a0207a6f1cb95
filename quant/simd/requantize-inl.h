// Requantization of a vector of floats; included once a Highway target.
#if defined(FROSTNAS_QUANT_SIMD_REQUANTIZE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FROSTNAS_QUANT_SIMD_REQUANTIZE_INL_H_
#undef FROSTNAS_QUANT_SIMD_REQUANTIZE_INL_H_
#else
#define FROSTNAS_QUANT_SIMD_REQUANTIZE_INL_H_
#endif

#include "hwy/highway.h"
#include "quant/grid.h"

HWY_BEFORE_NAMESPACE();
namespace frostnas::quant::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using IntTag = hn::RebindToSigned<FloatTag>;
using ByteTag = hn::Rebind<uint8_t, FloatTag>;
using FloatVec = hn::Vec<FloatTag>;
using IntVec = hn::Vec<IntTag>;

// RequantizeScaled (quant/grid.h) of each lane.
class Requantizer {
 public:
  explicit Requantizer(const Requantization& to)
      : zero_point_(hn::Set(IntTag(), to.zero_point)),
        low_(hn::Set(IntTag(), to.low)),
        high_(hn::Set(IntTag(), to.high)) {}

  hn::Vec<ByteTag> operator()(FloatVec scaled) const {
    // Far outside of the stored range, and safe to convert.
    const FloatTag df;
    scaled =
        hn::Min(hn::Max(scaled, hn::Set(df, -0x1p20f)), hn::Set(df, 0x1p20f));
    const IntVec stored = hn::Add(hn::NearestInt(scaled), zero_point_);
    return hn::DemoteTo(ByteTag(), hn::Min(hn::Max(stored, low_), high_));
  }

 private:
  IntVec zero_point_, low_, high_;
};

// The same for values and a clamp of which SaturatesOnly (quant/layer_params.h)
// is true: conversion and saturation do all the work.
class SaturatingRequantizer {
 public:
  explicit SaturatingRequantizer(const Requantization& to)
      : zero_point_(to.zero_point) {}

  hn::Vec<ByteTag> operator()(FloatVec scaled) const {
    return hn::DemoteTo(
        ByteTag(), hn::Add(Nearest(scaled), hn::Set(IntTag(), zero_point_)));
  }
  int zero_point() const { return zero_point_; }

 private:
  static IntVec Nearest(FloatVec scaled) {
#if HWY_TARGET <= HWY_AVX3
    return IntVec{_mm512_cvtps_epi32(scaled.raw)};
#else
    return hn::NearestInt(scaled);
#endif
  }

  int zero_point_;
};

}  // namespace frostnas::quant::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // FROSTNAS_QUANT_SIMD_REQUANTIZE_INL_H_
