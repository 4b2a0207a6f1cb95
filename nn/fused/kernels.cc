#include "nn/fused/kernels.h"

#include <algorithm>
#include <cstdint>

#include "hwy/cache_control.h"

// Processors without SSE4 take the portable code.
#define HWY_DISABLED_TARGETS HWY_SSSE3
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/fused/kernels.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace frostnas::nn::fused {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, kLanes>;
using V = hn::Vec<Tag>;
constexpr Tag kTag;

// Groups whose values are added before the sums go back to memory.
constexpr int64_t kGroupBlock = 8;

HWY_INLINE V Load(const float* p) { return hn::LoadU(kTag, p); }
HWY_INLINE void Store(V v, float* p) { hn::StoreU(v, kTag, p); }

HWY_INLINE V Load(const Float16* p) {
  const hn::Rebind<hwy::float16_t, Tag> d;
  return hn::PromoteTo(
      kTag, hn::LoadU(d, reinterpret_cast<const hwy::float16_t*>(p)));
}
// As RoundToFloat16 where the processor has the instruction, else towards zero.
// Returns what is left of v.
HWY_INLINE V StoreRounded(V v, Float16* p) {
  const hn::Rebind<hwy::float16_t, Tag> d;
  const auto half = hn::DemoteTo(d, v);
  hn::StoreU(half, d, reinterpret_cast<hwy::float16_t*>(p));
  return hn::PromoteTo(kTag, half);
}

using Bits = hn::Rebind<uint32_t, Tag>;
using UpperBits = hn::Rebind<uint16_t, Tag>;

HWY_INLINE V Load(const BFloat16* p) {
  const auto upper =
      hn::LoadU(UpperBits(), reinterpret_cast<const uint16_t*>(p));
  return hn::BitCast(kTag, hn::ShiftLeft<16>(hn::PromoteTo(Bits(), upper)));
}
// As RoundToBFloat16; returns what is left of v.
HWY_INLINE V StoreRounded(V v, BFloat16* p) {
  const Bits d;
  const auto bits = hn::BitCast(d, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(d, 0x7FFF)));
  const auto upper = hn::ShiftRight<16>(rounded);
  hn::StoreU(hn::TruncateTo(UpperBits(), upper), UpperBits(),
             reinterpret_cast<uint16_t*>(p));
  return hn::BitCast(kTag, hn::ShiftLeft<16>(upper));
}
HWY_INLINE void Store(V v, BFloat16* p) { (void)StoreRounded(v, p); }

// x itself, or what is left of it when it is rounded to to[at].
template <bool kRound, typename T>
HWY_INLINE V Keep(V x, T* to, int64_t at) {
  if constexpr (!kRound) return x;
  return StoreRounded(x, to + at);
}

// Activations come from far away in training, in runs too short for the
// processor to foresee.
template <typename T>
HWY_INLINE void PrefetchAhead(const T* p) {
  constexpr int64_t kAhead = 2048 / sizeof(T);
  hwy::Prefetch(p + kAhead);
}

// One vector's column of a block of groups.
template <bool kRound>
HWY_INLINE void AddStatsColumn(const Groups& groups, const float* src,
                               Float16* rounded, const StatsSums& sums,
                               int64_t i) {
  const V shift = Load(sums.shift + i);
  V sum = Load(sums.sum + i), squares = Load(sums.sum_squares + i);
  V min = Load(sums.min + i), max = Load(sums.max + i);
  for (int64_t g = 0; g < groups.count; ++g) {
    const int64_t at = g * groups.period + i;
    const V x = Keep<kRound>(Load(src + at), rounded, at);
    const V d = hn::Sub(x, shift);
    sum = hn::Add(sum, d);
    squares = hn::MulAdd(d, d, squares);
    min = hn::Min(min, x);
    max = hn::Max(max, x);
  }
  Store(sum, sums.sum + i);
  Store(squares, sums.sum_squares + i);
  Store(min, sums.min + i);
  Store(max, sums.max + i);
}

template <bool kRound>
void AddStatsAs(const Groups& groups, const float* src, Float16* rounded,
                const StatsSums& sums) {
  const int64_t lanes = hn::Lanes(kTag);
  for (int64_t g = 0; g < groups.count; g += kGroupBlock) {
    const Groups block = {std::min(kGroupBlock, groups.count - g),
                          groups.period};
    const int64_t at = g * groups.period;
    for (int64_t i = 0; i < groups.period; i += lanes) {
      AddStatsColumn<kRound>(block, src + at, kRound ? rounded + at : nullptr,
                             sums, i);
    }
  }
}

struct VectorEpilogue {
  explicit HWY_INLINE VectorEpilogue(const Epilogue& e)
      : low(hn::Set(kTag, e.low)),
        high(hn::Set(kTag, e.high)),
        step(hn::Set(kTag, e.step)),
        inverse_step(hn::Set(kTag, e.inverse_step)),
        q_low(hn::Set(kTag, e.q_low)),
        q_high(hn::Set(kTag, e.q_high)) {}

  template <bool kQuantize>
  HWY_INLINE V Apply(V v) const {
    // In this order x86 lets a NaN through, so that a training that diverges
    // shows in its loss.
    v = hn::Min(high, hn::Max(low, v));
    if constexpr (!kQuantize) return v;
    const V q = hn::Round(hn::Mul(v, inverse_step));
    return hn::Mul(hn::Min(q_high, hn::Max(q_low, q)), step);
  }

  V low, high, step, inverse_step, q_low, q_high;
};

template <bool kQuantize, typename Src, typename Dst>
void ApplyAffineAs(const Groups& groups, const PeriodAffine& affine,
                   const Epilogue& epilogue, const Src* src, Dst* dst) {
  const VectorEpilogue vector(epilogue);
  const int64_t lanes = hn::Lanes(kTag);
  const float* const scale = affine.scale;
  const float* const shift = affine.shift;
  for (int64_t g = 0; g < groups.count; ++g) {
    for (int64_t i = 0; i < groups.period; i += lanes) {
      PrefetchAhead(src + i);
      const V v = hn::MulAdd(Load(src + i), Load(scale + i), Load(shift + i));
      Store(vector.Apply<kQuantize>(v), dst + i);
    }
    src += groups.period;
    dst += groups.period;
  }
}

template <typename Src>
void ApplyAffineFrom(const Groups& groups, const PeriodAffine& affine,
                     const Epilogue& epilogue, const Src* src, Elements dst) {
  if (dst.type() == DataType::kFloat32) {
    const auto apply = epilogue.quantize ? ApplyAffineAs<true, Src, float>
                                         : ApplyAffineAs<false, Src, float>;
    apply(groups, affine, epilogue, src, dst.f32());
  } else {
    const auto apply = epilogue.quantize ? ApplyAffineAs<true, Src, BFloat16>
                                         : ApplyAffineAs<false, Src, BFloat16>;
    apply(groups, affine, epilogue, src, dst.bf16());
  }
}

// diff_dst at i where the epilogue passes, else 0.
class Gate {
 public:
  explicit HWY_INLINE Gate(const Epilogue& e)
      : low_(hn::Set(kTag, e.pass_low)), high_(hn::Set(kTag, e.pass_high)) {}
  HWY_INLINE V Pass(V x, V scale, V shift, V diff_dst) const {
    const V v = hn::MulAdd(x, scale, shift);
    const auto pass = hn::And(hn::Gt(v, low_), hn::Lt(v, high_));
    return hn::IfThenElseZero(pass, diff_dst);
  }

 private:
  V low_, high_;
};

// As GradientArgs, with plain pointers.
template <typename Src, typename Diff>
struct TypedGradientArgs {
  PeriodAffine affine;
  const Src* src;
  const Diff* diff_dst;
};

template <bool kRound, typename Src, typename Diff>
HWY_INLINE void AddGradientColumn(const Groups& groups, const Gate& gate,
                                  const TypedGradientArgs<Src, Diff>& args,
                                  const GradientPeriodSums& sums, int64_t i) {
  const V scale = Load(args.affine.scale + i);
  const V shift = Load(args.affine.shift + i);
  const V center = Load(sums.center + i);
  V sum = Load(sums.sum + i), centered = Load(sums.sum_centered + i);
  for (int64_t g = 0; g < groups.count; ++g) {
    const int64_t at = g * groups.period + i;
    const V x = Load(args.src + at);
    const V diff = Keep<kRound>(Load(args.diff_dst + at), sums.rounded, at);
    const V d = gate.Pass(x, scale, shift, diff);
    sum = hn::Add(sum, d);
    centered = hn::MulAdd(d, hn::Sub(x, center), centered);
  }
  Store(sum, sums.sum + i);
  Store(centered, sums.sum_centered + i);
}

template <bool kRound, typename Src, typename Diff>
void AddGradientAs(const Groups& groups, const Epilogue& epilogue,
                   const TypedGradientArgs<Src, Diff>& args,
                   const GradientPeriodSums& sums) {
  const Gate gate(epilogue);
  const int64_t lanes = hn::Lanes(kTag);
  for (int64_t g = 0; g < groups.count; g += kGroupBlock) {
    const Groups block = {std::min(kGroupBlock, groups.count - g),
                          groups.period};
    const int64_t first = g * groups.period;
    const TypedGradientArgs<Src, Diff> at = {args.affine, args.src + first,
                                             args.diff_dst + first};
    const GradientPeriodSums to = {sums.center, sums.sum, sums.sum_centered,
                                   kRound ? sums.rounded + first : nullptr};
    for (int64_t i = 0; i < groups.period; i += lanes) {
      AddGradientColumn<kRound>(block, gate, at, to, i);
    }
  }
}

template <typename Src>
void AddGradientFrom(const Groups& groups, const Epilogue& epilogue,
                     const GradientArgs& args, const Src* src,
                     const GradientPeriodSums& sums) {
  const TypedGradientArgs<Src, float> at = {args.affine, src,
                                            args.diff_dst.f32()};
  if (sums.rounded != nullptr) {
    AddGradientAs<true>(groups, epilogue, at, sums);
  } else {
    AddGradientAs<false>(groups, epilogue, at, sums);
  }
}

template <typename Src, typename Diff, typename Dst>
void ApplyGradientAs(const Groups& groups, const Epilogue& epilogue,
                     const TypedGradientArgs<Src, Diff>& args,
                     const PeriodCorrection& correction, Dst* diff_src) {
  const Gate gate(epilogue);
  const int64_t lanes = hn::Lanes(kTag);
  const PeriodAffine affine = args.affine;
  const float* const offset = correction.offset;
  const float* const slope = correction.slope;
  const Src* src = args.src;
  const Diff* diff_dst = args.diff_dst;
  for (int64_t g = 0; g < groups.count; ++g) {
    for (int64_t i = 0; i < groups.period; i += lanes) {
      PrefetchAhead(src + i);
      PrefetchAhead(diff_dst + i);
      const V scale = Load(affine.scale + i);
      const V x = Load(src + i);
      const V d =
          gate.Pass(x, scale, Load(affine.shift + i), Load(diff_dst + i));
      const V corrected = hn::MulAdd(x, Load(slope + i), Load(offset + i));
      Store(hn::MulSub(d, scale, corrected), diff_src + i);
    }
    src += groups.period;
    diff_dst += groups.period;
    diff_src += groups.period;
  }
}

template <typename Src, typename Diff>
void ApplyGradientFrom(const Groups& groups, const Epilogue& epilogue,
                       const TypedGradientArgs<Src, Diff>& args,
                       const PeriodCorrection& correction) {
  if (correction.diff_src.type() == DataType::kFloat32) {
    ApplyGradientAs(groups, epilogue, args, correction,
                    correction.diff_src.f32());
  } else {
    ApplyGradientAs(groups, epilogue, args, correction,
                    correction.diff_src.bf16());
  }
}

template <typename Src>
void ApplyGradientOf(const Groups& groups, const Epilogue& epilogue,
                     const GradientArgs& args, const Src* src,
                     const PeriodCorrection& correction) {
  if (args.diff_dst.type() == DataType::kFloat32) {
    ApplyGradientFrom<Src, float>(
        groups, epilogue, {args.affine, src, args.diff_dst.f32()}, correction);
  } else {
    ApplyGradientFrom<Src, BFloat16>(
        groups, epilogue, {args.affine, src, args.diff_dst.bf16()}, correction);
  }
}

}  // namespace

void Round(int64_t count, const float* src, BFloat16* dst) {
  const int64_t lanes = hn::Lanes(kTag);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) Store(Load(src + i), dst + i);
  for (; i < count; ++i) dst[i] = RoundToBFloat16(src[i]);
}

MinMax FindMinMax(int64_t count, const float* src) {
  const int64_t lanes = hn::Lanes(kTag);
  MinMax found = {src[0], src[0]};
  int64_t i = 0;
  if (count >= lanes) {
    V low = Load(src), high = low;
    for (; i + lanes <= count; i += lanes) {
      const V value = Load(src + i);
      low = hn::Min(low, value);
      high = hn::Max(high, value);
    }
    found = {hn::GetLane(hn::MinOfLanes(kTag, low)),
             hn::GetLane(hn::MaxOfLanes(kTag, high))};
  }
  for (; i < count; ++i) {
    found = {std::min(found.min, src[i]), std::max(found.max, src[i])};
  }
  return found;
}

void AddStats(const Groups& groups, const float* src, Float16* rounded,
              const StatsSums& sums) {
  const auto add = rounded != nullptr ? AddStatsAs<true> : AddStatsAs<false>;
  add(groups, src, rounded, sums);
}

void ApplyAffine(const Groups& groups, const PeriodAffine& affine,
                 const Epilogue& epilogue, ConstElements src, Elements dst) {
  if (src.type() == DataType::kFloat32) {
    ApplyAffineFrom(groups, affine, epilogue, src.f32(), dst);
  } else {
    ApplyAffineFrom(groups, affine, epilogue, src.f16(), dst);
  }
}

void AddGradient(const Groups& groups, const Epilogue& epilogue,
                 const GradientArgs& args, const GradientPeriodSums& sums) {
  if (args.src.type() == DataType::kFloat32) {
    AddGradientFrom(groups, epilogue, args, args.src.f32(), sums);
  } else {
    AddGradientFrom(groups, epilogue, args, args.src.f16(), sums);
  }
}

void ApplyGradient(const Groups& groups, const Epilogue& epilogue,
                   const GradientArgs& args,
                   const PeriodCorrection& correction) {
  if (args.src.type() == DataType::kFloat32) {
    ApplyGradientOf(groups, epilogue, args, args.src.f32(), correction);
  } else {
    ApplyGradientOf(groups, epilogue, args, args.src.f16(), correction);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace frostnas::nn::fused
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frostnas::nn::fused {

HWY_EXPORT(Round);
HWY_EXPORT(FindMinMax);
HWY_EXPORT(AddStats);
HWY_EXPORT(ApplyAffine);
HWY_EXPORT(AddGradient);
HWY_EXPORT(ApplyGradient);

void Round(int64_t count, const float* src, BFloat16* dst) {
  HWY_DYNAMIC_DISPATCH(Round)(count, src, dst);
}

MinMax FindMinMax(int64_t count, const float* src) {
  return HWY_DYNAMIC_DISPATCH(FindMinMax)(count, src);
}

void AddStats(const Groups& groups, const float* src, Float16* rounded,
              const StatsSums& sums) {
  HWY_DYNAMIC_DISPATCH(AddStats)(groups, src, rounded, sums);
}

void ApplyAffine(const Groups& groups, const PeriodAffine& affine,
                 const Epilogue& epilogue, ConstElements src, Elements dst) {
  HWY_DYNAMIC_DISPATCH(ApplyAffine)
  (groups, affine, epilogue, src, dst);
}

void AddGradient(const Groups& groups, const Epilogue& epilogue,
                 const GradientArgs& args, const GradientPeriodSums& sums) {
  HWY_DYNAMIC_DISPATCH(AddGradient)(groups, epilogue, args, sums);
}

void ApplyGradient(const Groups& groups, const Epilogue& epilogue,
                   const GradientArgs& args,
                   const PeriodCorrection& correction) {
  HWY_DYNAMIC_DISPATCH(ApplyGradient)
  (groups, epilogue, args, correction);
}

}  // namespace frostnas::nn::fused
#endif  // HWY_ONCE
