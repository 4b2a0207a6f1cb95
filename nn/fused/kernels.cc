#include "nn/fused/kernels.h"

#include <algorithm>
#include <cstdint>

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

// One vector's column of a block of groups.
HWY_INLINE void AddStatsColumn(const Groups& groups, const float* src,
                               const StatsSums& sums, int64_t i) {
  const V shift = Load(sums.shift + i);
  V sum = Load(sums.sum + i), squares = Load(sums.sum_squares + i);
  V min = Load(sums.min + i), max = Load(sums.max + i);
  for (int64_t g = 0; g < groups.count; ++g) {
    const V x = Load(src + g * groups.period + i);
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

template <bool kQuantize>
void ApplyAffineAs(const Groups& groups, const PeriodAffine& affine,
                   const Epilogue& epilogue, const float* src, float* dst) {
  const VectorEpilogue vector(epilogue);
  const int64_t lanes = hn::Lanes(kTag);
  for (int64_t g = 0; g < groups.count; ++g) {
    for (int64_t i = 0; i < groups.period; i += lanes) {
      const V v = hn::MulAdd(Load(src + i), Load(affine.scale + i),
                             Load(affine.shift + i));
      Store(vector.Apply<kQuantize>(v), dst + i);
    }
    src += groups.period;
    dst += groups.period;
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

HWY_INLINE void AddGradientColumn(const Groups& groups, const Gate& gate,
                                  const GradientArgs& args,
                                  const GradientPeriodSums& sums, int64_t i) {
  const V scale = Load(args.affine.scale + i);
  const V shift = Load(args.affine.shift + i);
  const V center = Load(sums.center + i);
  V sum = Load(sums.sum + i), centered = Load(sums.sum_centered + i);
  for (int64_t g = 0; g < groups.count; ++g) {
    const V x = Load(args.src + g * groups.period + i);
    const V d =
        gate.Pass(x, scale, shift, Load(args.diff_dst + g * groups.period + i));
    sum = hn::Add(sum, d);
    centered = hn::MulAdd(d, hn::Sub(x, center), centered);
  }
  Store(sum, sums.sum + i);
  Store(centered, sums.sum_centered + i);
}

}  // namespace

void AddStats(const Groups& groups, const float* src, const StatsSums& sums) {
  const int64_t lanes = hn::Lanes(kTag);
  for (int64_t g = 0; g < groups.count; g += kGroupBlock) {
    const Groups block = {std::min(kGroupBlock, groups.count - g),
                          groups.period};
    for (int64_t i = 0; i < groups.period; i += lanes) {
      AddStatsColumn(block, src + g * groups.period, sums, i);
    }
  }
}

void ApplyAffine(const Groups& groups, const PeriodAffine& affine,
                 const Epilogue& epilogue, const float* src, float* dst) {
  const auto apply =
      epilogue.quantize ? ApplyAffineAs<true> : ApplyAffineAs<false>;
  apply(groups, affine, epilogue, src, dst);
}

void AddGradient(const Groups& groups, const Epilogue& epilogue,
                 const GradientArgs& args, const GradientPeriodSums& sums) {
  const Gate gate(epilogue);
  const int64_t lanes = hn::Lanes(kTag);
  for (int64_t g = 0; g < groups.count; g += kGroupBlock) {
    const Groups block = {std::min(kGroupBlock, groups.count - g),
                          groups.period};
    const GradientArgs at = {args.affine, args.src + g * groups.period,
                             args.diff_dst + g * groups.period};
    for (int64_t i = 0; i < groups.period; i += lanes) {
      AddGradientColumn(block, gate, at, sums, i);
    }
  }
}

void ApplyGradient(const Groups& groups, const Epilogue& epilogue,
                   const GradientArgs& args,
                   const PeriodCorrection& correction) {
  const Gate gate(epilogue);
  const int64_t lanes = hn::Lanes(kTag);
  for (int64_t g = 0; g < groups.count; ++g) {
    const int64_t at = g * groups.period;
    for (int64_t i = 0; i < groups.period; i += lanes) {
      const V scale = Load(args.affine.scale + i);
      const V x = Load(args.src + at + i);
      const V d = gate.Pass(x, scale, Load(args.affine.shift + i),
                            Load(args.diff_dst + at + i));
      const V corrected = hn::MulAdd(x, Load(correction.slope + i),
                                     Load(correction.offset + i));
      Store(hn::MulSub(d, scale, corrected), correction.diff_src + at + i);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace frostnas::nn::fused
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frostnas::nn::fused {

HWY_EXPORT(AddStats);
HWY_EXPORT(ApplyAffine);
HWY_EXPORT(AddGradient);
HWY_EXPORT(ApplyGradient);

void AddStats(const Groups& groups, const float* src, const StatsSums& sums) {
  HWY_DYNAMIC_DISPATCH(AddStats)(groups, src, sums);
}

void ApplyAffine(const Groups& groups, const PeriodAffine& affine,
                 const Epilogue& epilogue, const float* src, float* dst) {
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
