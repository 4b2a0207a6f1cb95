#include "nn/optim/kernels.h"

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/optim/kernels.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
// After highway.h: these are compiled once a target.
#include "hwy/contrib/math/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace frostnas::nn::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Calls body(d, i) for all elements: whole vectors, then one by one.
template <class Body>
HWY_ATTR void ForEach(size_t count, const Body& body) {
  const hn::ScalableTag<float> wide;
  const hn::CappedTag<float, 1> single;
  const size_t lanes = hn::Lanes(wide);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) body(wide, i);
  for (; i < count; ++i) body(single, i);
}

template <class D>
HWY_ATTR hn::Vec<D> DecayedGradient(D d, float decay, const UpdateRun& run,
                                    size_t i) {
  return hn::MulAdd(hn::Set(d, decay), hn::LoadU(d, run.value + i),
                    hn::LoadU(d, run.grad + i));
}

// value += change * scale.
template <class D>
HWY_ATTR void Move(D d, hn::Vec<D> change, float scale, float* value) {
  hn::StoreU(hn::MulAdd(hn::Set(d, scale), change, hn::LoadU(d, value)), d,
             value);
}

HWY_ATTR void SgdImpl(const SgdConstants& c, const UpdateRun& run) {
  if (run.momentum == nullptr) {
    ForEach(run.count, [&](auto d, size_t i) HWY_ATTR {
      Move(d, DecayedGradient(d, c.decay, run, i), -c.rate, run.value + i);
    });
    return;
  }
  // The first step keeps the gradient whole, whatever the dampening.
  const float momentum = c.first ? 0.0f : c.momentum;
  const float keep = c.first ? 1.0f : c.keep;
  ForEach(run.count, [&](auto d, size_t i) HWY_ATTR {
    const auto g = DecayedGradient(d, c.decay, run, i);
    const auto old = hn::LoadU(d, run.momentum + i);
    const auto v =
        hn::MulAdd(hn::Set(d, momentum), old, hn::Mul(hn::Set(d, keep), g));
    hn::StoreU(v, d, run.momentum + i);
    const auto ahead = hn::MulAdd(hn::Set(d, c.momentum), v, g);
    Move(d, c.nesterov ? ahead : v, -c.rate, run.value + i);
  });
}

HWY_ATTR void RmspropImpl(const RmspropConstants& c, const UpdateRun& run) {
  ForEach(run.count, [&](auto d, size_t i) HWY_ATTR {
    const auto g = DecayedGradient(d, c.decay, run, i);
    const auto s = hn::MulAdd(hn::Set(d, c.alpha), hn::LoadU(d, run.square + i),
                              hn::Mul(hn::Set(d, 1 - c.alpha), hn::Mul(g, g)));
    hn::StoreU(s, d, run.square + i);
    const auto root = hn::Add(hn::Sqrt(s), hn::Set(d, c.epsilon));
    const auto v = hn::MulAdd(hn::Set(d, c.momentum),
                              hn::LoadU(d, run.momentum + i), hn::Div(g, root));
    hn::StoreU(v, d, run.momentum + i);
    Move(d, v, -c.rate, run.value + i);
  });
}

HWY_ATTR void AdamImpl(const AdamConstants& c, const UpdateRun& run) {
  ForEach(run.count, [&](auto d, size_t i) HWY_ATTR {
    const auto g = hn::LoadU(d, run.grad + i);
    const auto m =
        hn::MulAdd(hn::Set(d, c.beta1), hn::LoadU(d, run.momentum + i),
                   hn::Mul(hn::Set(d, 1 - c.beta1), g));
    auto s = hn::MulAdd(hn::Set(d, c.beta2), hn::LoadU(d, run.square + i),
                        hn::Mul(hn::Set(d, 1 - c.beta2), hn::Mul(g, g)));
    hn::StoreU(m, d, run.momentum + i);
    hn::StoreU(s, d, run.square + i);
    if (run.square_max != nullptr) {
      s = hn::Max(s, hn::LoadU(d, run.square_max + i));
      hn::StoreU(s, d, run.square_max + i);
    }
    const auto root = hn::MulAdd(hn::Sqrt(s), hn::Set(d, c.square_scale),
                                 hn::Set(d, c.epsilon));
    const auto kept =
        hn::Mul(hn::Set(d, c.shrink), hn::LoadU(d, run.value + i));
    hn::StoreU(hn::MulAdd(hn::Set(d, -c.rate), hn::Div(m, root), kept), d,
               run.value + i);
  });
}

HWY_ATTR void AddDecayImpl(float decay, const UpdateRun& run, float* sum) {
  ForEach(run.count, [&](auto d, size_t i) HWY_ATTR {
    hn::StoreU(DecayedGradient(d, decay, run, i), d, sum + i);
  });
}

// (beta old + (1 - beta) seen) * store_scale.
template <class D>
HWY_ATTR hn::Vec<D> Averaged(D d, const BoostConstants& c, hn::Vec<D> old,
                             hn::Vec<D> seen) {
  const auto sum = hn::MulAdd(hn::Set(d, c.beta), old,
                              hn::Mul(hn::Set(d, 1 - c.beta), seen));
  return hn::Mul(sum, hn::Set(d, c.store_scale));
}

// Updates the statistics of one vector and returns its noise scale.
template <class D>
HWY_ATTR hn::Vec<D> UpdateRange(D d, const BoostConstants& c,
                                const BoostRun& run, size_t i) {
  const auto magnitude = hn::Abs(hn::LoadU(d, run.grad + i));
  const auto compare = hn::Set(d, c.compare_scale);
  auto low = hn::LoadU(d, run.low + i);
  auto high = hn::LoadU(d, run.high + i);
  const auto lowest =
      c.fresh_low ? magnitude : hn::Min(hn::Mul(low, compare), magnitude);
  low = Averaged(d, c, low, lowest);
  high = Averaged(d, c, high, hn::Max(hn::Mul(high, compare), magnitude));
  hn::StoreU(low, d, run.low + i);
  hn::StoreU(high, d, run.high + i);
  return hn::Mul(hn::Sub(high, low), hn::Set(d, c.range_scale));
}

HWY_ATTR void BoostImpl(const BoostConstants& c, const BoostRun& run) {
  if (run.noise == nullptr) {
    ForEach(run.count,
            [&](auto d, size_t i) HWY_ATTR { UpdateRange(d, c, run, i); });
    return;
  }
  const float clip = c.clip > 0 ? c.clip : 3e38f;
  ForEach(run.count, [&](auto d, size_t i) HWY_ATTR {
    const auto g = hn::LoadU(d, run.grad + i);
    const auto range = UpdateRange(d, c, run, i);
    const auto drawn = hn::Mul(hn::LoadU(d, run.noise + i), range);
    const auto noise = hn::CopySign(hn::Min(drawn, hn::Set(d, clip)), g);
    const auto flat = hn::Eq(g, hn::Zero(d));
    hn::StoreU(hn::IfThenElse(flat, g, hn::Add(g, noise)), d, run.boosted + i);
  });
}

// 32 random bits a lane. The start alone would make two keys walk through the
// same sequence at different places, so the key comes in halfway.
template <class DU>
HWY_ATTR hn::Vec<DU> Hash(DU d, hn::Vec<DU> x, uint32_t key) {
  x = hn::Xor(x, hn::ShiftRight<16>(x));
  x = hn::Mul(x, hn::Set(d, 0x7feb352du));
  x = hn::Xor(hn::Xor(x, hn::ShiftRight<15>(x)), hn::Set(d, key));
  x = hn::Mul(x, hn::Set(d, 0x846ca68bu));
  x = hn::Xor(x, hn::ShiftRight<16>(x));
  x = hn::Mul(x, hn::Set(d, 0x9e3779b1u));
  return hn::Xor(x, hn::ShiftRight<15>(x));
}

HWY_ATTR void FillImpl(const NoiseCounter& counter, float* noise,
                       size_t count) {
  ForEach(count, [&](auto d, size_t i) HWY_ATTR {
    const hn::RebindToUnsigned<decltype(d)> du;
    const hn::RebindToSigned<decltype(d)> di;
    const auto index = hn::Iota(du, counter.start + static_cast<uint32_t>(i));
    const auto bits = Hash(du, index, counter.key);
    // |Laplace| is exponential: -log of a uniform in (0, 1) of 24 bits.
    const auto whole = hn::BitCast(di, hn::ShiftRight<8>(bits));
    const auto uniform = hn::MulAdd(hn::ConvertTo(d, whole),
                                    hn::Set(d, 0x1p-24f), hn::Set(d, 0x1p-25f));
    // Rounding may carry the largest to 1, whose logarithm is a fair 0.
    auto magnitude = hn::Abs(hn::Log(d, uniform));
    if (counter.toss_coin) {
      // The eighth bit, which the uniform leaves out, as a sign.
      const auto coin = hn::BitCast(d, hn::ShiftLeft<24>(bits));
      magnitude = hn::IfNegativeThenElse(coin, hn::Zero(d), magnitude);
    }
    hn::StoreU(magnitude, d, noise + i);
  });
}

HWY_ATTR void MoveTowardsImpl(float share, const float* value, float* average,
                              size_t count) {
  ForEach(count, [&](auto d, size_t i) HWY_ATTR {
    const auto gap =
        hn::Sub(hn::LoadU(d, value + i), hn::LoadU(d, average + i));
    Move(d, gap, share, average + i);
  });
}

}  // namespace frostnas::nn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frostnas::nn {

HWY_EXPORT(SgdImpl);
HWY_EXPORT(RmspropImpl);
HWY_EXPORT(AdamImpl);
HWY_EXPORT(AddDecayImpl);
HWY_EXPORT(BoostImpl);
HWY_EXPORT(FillImpl);
HWY_EXPORT(MoveTowardsImpl);

void SgdUpdate(const SgdConstants& constants, const UpdateRun& run) {
  HWY_DYNAMIC_DISPATCH(SgdImpl)(constants, run);
}

void RmspropUpdate(const RmspropConstants& constants, const UpdateRun& run) {
  HWY_DYNAMIC_DISPATCH(RmspropImpl)(constants, run);
}

void AdamUpdate(const AdamConstants& constants, const UpdateRun& run) {
  HWY_DYNAMIC_DISPATCH(AdamImpl)(constants, run);
}

void AddDecay(float decay, const UpdateRun& run, float* sum) {
  HWY_DYNAMIC_DISPATCH(AddDecayImpl)(decay, run, sum);
}

void Boost(const BoostConstants& constants, const BoostRun& run) {
  HWY_DYNAMIC_DISPATCH(BoostImpl)(constants, run);
}

void FillLaplaceMagnitude(const NoiseCounter& counter,
                          absl::Span<float> noise) {
  HWY_DYNAMIC_DISPATCH(FillImpl)(counter, noise.data(), noise.size());
}

void MoveTowards(float share, absl::Span<const float> value,
                 absl::Span<float> average) {
  HWY_DYNAMIC_DISPATCH(MoveTowardsImpl)
  (share, value.data(), average.data(), average.size());
}

}  // namespace frostnas::nn
#endif  // HWY_ONCE
