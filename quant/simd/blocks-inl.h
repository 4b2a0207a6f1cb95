// Blocks of channels for the convolutions by sums of four 8-bit products;
// included once a Highway target.
#if defined(FROSTNAS_QUANT_SIMD_BLOCKS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FROSTNAS_QUANT_SIMD_BLOCKS_INL_H_
#undef FROSTNAS_QUANT_SIMD_BLOCKS_INL_H_
#else
#define FROSTNAS_QUANT_SIMD_BLOCKS_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "hwy/highway.h"
#include "quant/simd/blocks.h"
#include "quant/simd/requantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace frostnas::quant::simd::HWY_NAMESPACE {

// A vector of channels, at most a block; `BlockInt` also holds four 8-bit
// values a channel.
using BlockInt = hn::CappedTag<int32_t, kBlock>;
using BlockShort = hn::Repartition<int16_t, BlockInt>;
using BlockUnsigned = hn::RebindToUnsigned<BlockInt>;
using BlockFloat = hn::RebindToFloat<BlockInt>;
using BlockByte = hn::Rebind<uint8_t, BlockInt>;
using BlockVec = hn::Vec<BlockInt>;

// body(0), body(1), ...: indices are constants, so that the compiler keeps each
// element of an array in a register, which it does not for a loop it unrolls.
#define FROSTNAS_UNROLLED HWY_ATTR __attribute__((always_inline))
template <int kCount, typename Body>
HWY_INLINE void Unroll(const Body& body) {
  [&]<int... kIndex>(std::integer_sequence<int, kIndex...>) FROSTNAS_UNROLLED {
    (body(std::integral_constant<int, kIndex>()), ...);
  }
  (std::make_integer_sequence<int, kCount>());
}

// sum[c] + the four products of channel c: bytes of `values` are unsigned,
// those of `weights` signed.
HWY_INLINE BlockVec AddFour(BlockVec sum, BlockVec values, BlockVec weights) {
  const BlockInt di;
#if HWY_TARGET == HWY_AVX3_DL
  // An intrinsic would need a compiler told of avx512vnni, which Highway 1.0.3
  // leaves out of what it says of this target.
  asm("vpdpbusd %2, %1, %0"
      : "+v"(sum.raw)
      : "v"(values.raw), "v"(weights.raw));
  return sum;
#elif HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128 && HWY_TARGET != HWY_SCALAR
  // pmaddwd, on even bytes and on odd ones: it adds neighbours, unlike the
  // operation's general contract.
  const BlockShort ds;
  const auto value = hn::BitCast(ds, values), weight = hn::BitCast(ds, weights);
  BlockVec unused = hn::Zero(di);
  sum = hn::ReorderWidenMulAccumulate(
      di, hn::And(value, hn::Set(ds, 0xff)),
      hn::ShiftRight<8>(hn::ShiftLeft<8>(weight)), sum, unused);
  const auto odd =
      hn::BitCast(ds, hn::ShiftRight<8>(hn::BitCast(
                          hn::RebindToUnsigned<BlockShort>(), value)));
  return hn::ReorderWidenMulAccumulate(di, odd, hn::ShiftRight<8>(weight), sum,
                                       unused);
#else
  const BlockVec byte = hn::Set(di, 0xff);
  const auto add = [&](BlockVec value, BlockVec weight) HWY_ATTR {
    sum = hn::Add(sum, hn::Mul(hn::And(value, byte),
                               hn::ShiftRight<24>(hn::ShiftLeft<24>(weight))));
  };
  add(values, weights);
  add(hn::ShiftRight<8>(values), hn::ShiftRight<8>(weights));
  add(hn::ShiftRight<16>(values), hn::ShiftRight<16>(weights));
  add(hn::ShiftRight<24>(values), hn::ShiftRight<24>(weights));
  return sum;
#endif
}

// Stores the first `count` channels, or all if there are fewer.
HWY_INLINE void StoreChannels(hn::Vec<BlockByte> values, int count,
                              uint8_t* to) {
  const BlockByte d;
  if (HWY_LIKELY(count >= static_cast<int>(hn::Lanes(d)))) {
    hn::StoreU(values, d, to);
    return;
  }
#if HWY_TARGET <= HWY_AVX3
  hn::BlendedStore(values, hn::FirstN(d, count), d, to);
#else
  uint8_t all[kBlock];
  hn::StoreU(values, d, all);
  std::copy_n(all, count, to);
#endif
}

// Vectors that are requantized together.
constexpr int kFour = 4;

#if HWY_TARGET == HWY_AVX3_DL

// Four vectors of stored values, in one register.
class StoredFour {
 public:
  StoredFour(const SaturatingRequantizer& requantize,
             const hn::Vec<BlockFloat> (&scaled)[kFour]) {
    __m512i value[kFour];
    for (int i = 0; i < kFour; ++i) {
      value[i] = _mm512_cvtps_epi32(scaled[i].raw);
    }
    const __m512i zero_point =
        _mm512_set1_epi16(static_cast<int16_t>(requantize.zero_point()));
    const __m512i low =
        _mm512_adds_epi16(_mm512_packs_epi32(value[0], value[1]), zero_point);
    const __m512i high =
        _mm512_adds_epi16(_mm512_packs_epi32(value[2], value[3]), zero_point);
    // Four channels of each vector in a lane; then all channels of a vector.
    const __m512i order =
        _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    bytes_ = _mm512_permutexvar_epi32(order, _mm512_packus_epi16(low, high));
  }
  StoredFour(const Requantizer& requantize,
             const hn::Vec<BlockFloat> (&scaled)[kFour]) {
    const auto lane = [&](int i) HWY_ATTR { return requantize(scaled[i]).raw; };
    bytes_ = _mm512_castsi128_si512(lane(0));
    bytes_ = _mm512_inserti32x4(bytes_, lane(1), 1);
    bytes_ = _mm512_inserti32x4(bytes_, lane(2), 2);
    bytes_ = _mm512_inserti32x4(bytes_, lane(3), 3);
  }

  // The first `count` channels of vector kIndex.
  template <int kIndex>
  void Store(int count, uint8_t* to) const {
    StoreChannels(hn::Vec<BlockByte>{_mm512_extracti32x4_epi32(bytes_, kIndex)},
                  count, to);
  }
  // The first `count` channels of vectors kIndex and kIndex + 1.
  template <int kIndex>
  void StoreTwo(int count, uint8_t* to) const {
    const __m256i two = _mm512_extracti64x4_epi64(bytes_, kIndex / 2);
    if (HWY_LIKELY(count >= 32)) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), two);
    } else {
      _mm256_mask_storeu_epi8(to, (1u << count) - 1, two);
    }
  }
  // The first `count` channels of all four.
  void StoreAll(int count, uint8_t* to) const {
    if (HWY_LIKELY(count >= 64)) {
      _mm512_storeu_si512(to, bytes_);
    } else {
      _mm512_mask_storeu_epi8(to, (uint64_t{1} << count) - 1, bytes_);
    }
  }

 private:
  __m512i bytes_;
};

#else

class StoredFour {
 public:
  template <typename Rounding>
  StoredFour(const Rounding& requantize,
             const hn::Vec<BlockFloat> (&scaled)[kFour]) {
    for (int i = 0; i < kFour; ++i) {
      hn::StoreU(requantize(scaled[i]), BlockByte(), bytes_ + i * lanes());
    }
  }
  template <int kIndex>
  void Store(int count, uint8_t* to) const {
    std::copy_n(bytes_ + kIndex * lanes(), std::min(count, lanes()), to);
  }
  template <int kIndex>
  void StoreTwo(int count, uint8_t* to) const {
    std::copy_n(bytes_ + kIndex * lanes(), std::min(count, 2 * lanes()), to);
  }
  void StoreAll(int count, uint8_t* to) const {
    std::copy_n(bytes_, std::min(count, 4 * lanes()), to);
  }

 private:
  static int lanes() { return static_cast<int>(hn::Lanes(BlockByte())); }

  uint8_t bytes_[kFour * kBlock];
};

#endif

}  // namespace frostnas::quant::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // FROSTNAS_QUANT_SIMD_BLOCKS_INL_H_
