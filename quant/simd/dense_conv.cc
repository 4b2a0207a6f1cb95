#include "quant/simd/dense_conv.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/simd/dense_conv.cc"
// clang-format off: foreach_target comes first.
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/simd/requantize-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace frostnas::quant::simd::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

void GroupOf(const DenseConv::Packed& packed, int group, const int16_t* window,
             uint8_t (*out)[DenseConv::kGroup]) {
  for (int i = 0; i < DenseConv::kPixels * DenseConv::kGroup; ++i) {
    const int p = i / DenseConv::kGroup, o = i % DenseConv::kGroup;
    const int at = group * DenseConv::kGroup + o;
    int32_t sum = packed.bias[at];
    for (int64_t k = 0; k < packed.pairs * 2; ++k) {
      const int64_t row = group * packed.pairs + k / 2;
      sum += window[p * packed.pairs * 2 + k] *
             packed.weights[(row * DenseConv::kGroup + o) * 2 + k % 2];
    }
    out[p][o] = Requantize(sum, packed.multiplier[at], packed.to);
  }
}

#else

using GroupInt = hn::CappedTag<int32_t, DenseConv::kGroup>;
using GroupShort = hn::Repartition<int16_t, GroupInt>;
using GroupFloat = hn::RebindToFloat<GroupInt>;
using GroupVec = hn::Vec<GroupInt>;

// sum[i] + a[2 i] b[2 i] + a[2 i + 1] b[2 i + 1].
GroupVec AddPairs(GroupVec sum, hn::Vec<GroupShort> a, hn::Vec<GroupShort> b) {
  const GroupInt di;
#if HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128
  // pmaddwd: adds neighbours, unlike the operation's general contract.
  GroupVec unused = hn::Zero(di);
  return hn::ReorderWidenMulAccumulate(di, a, b, sum, unused);
#else
  // |a| <= 255 and |b| <= 127: a product fits 16 bits.
  const GroupVec products = hn::BitCast(di, hn::Mul(a, b));
  const GroupVec odd = hn::ShiftRight<16>(products);
  const GroupVec even = hn::ShiftRight<16>(hn::ShiftLeft<16>(products));
  return hn::Add(sum, hn::Add(even, odd));
#endif
}

// One group of output channels of kPixels rows of `window` (kPixels, pairs, 2).
void GroupOf(const DenseConv::Packed& packed, int group, const int16_t* window,
             uint8_t (*out)[DenseConv::kGroup]) {
  const GroupInt di;
  const GroupFloat df;
  const Requantizer requantize(packed.to);
  const int lanes = static_cast<int>(hn::Lanes(di));
  for (int first = 0; first < DenseConv::kGroup; first += lanes) {
    const int at = group * DenseConv::kGroup + first;
    GroupVec sum[DenseConv::kPixels];
    for (GroupVec& s : sum) s = hn::LoadU(di, packed.bias.data() + at);
    const int16_t* weights =
        packed.weights.data() +
        (group * packed.pairs * DenseConv::kGroup + first) * 2;
    for (int64_t pair = 0; pair < packed.pairs; ++pair) {
      const hn::Vec<GroupShort> w = hn::LoadU(GroupShort(), weights);
      weights += DenseConv::kGroup * 2;
      for (int p = 0; p < DenseConv::kPixels; ++p) {
        int32_t both;
        std::memcpy(&both, window + (p * packed.pairs + pair) * 2, 4);
        sum[p] =
            AddPairs(sum[p], hn::BitCast(GroupShort(), hn::Set(di, both)), w);
      }
    }
    const auto multiplier = hn::LoadU(df, packed.multiplier.data() + at);
    for (int p = 0; p < DenseConv::kPixels; ++p) {
      const auto scaled = hn::Mul(hn::ConvertTo(df, sum[p]), multiplier);
      hn::StoreU(requantize(scaled), ByteTag(), out[p] + first);
    }
  }
}

#endif  // HWY_TARGET == HWY_SCALAR

void ChannelsOf(const DenseConv::Packed& packed, const int16_t* window,
                int pixels, uint8_t* dst) {
  const int channels = packed.geometry.out_channels;
  uint8_t out[DenseConv::kPixels][DenseConv::kGroup];
  for (int group = 0; group < packed.groups; ++group) {
    GroupOf(packed, group, window, out);
    const int first = group * DenseConv::kGroup;
    const int count = std::min(DenseConv::kGroup, channels - first);
    for (int p = 0; p < pixels; ++p) {
      std::copy_n(out[p], count,
                  dst + static_cast<int64_t>(p) * channels + first);
    }
  }
}

}  // namespace frostnas::quant::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frostnas::quant::simd {
namespace {

HWY_EXPORT(ChannelsOf);

// The filter's window of output pixel `pixel` (over n, y, x), less the zero
// point; padding is 0.
void GatherWindow(const DenseConv::Packed& packed, const uint8_t* src,
                  int64_t pixel, int16_t* window) {
  const ConvGeometry& g = packed.geometry;
  const int64_t positions = static_cast<int64_t>(g.out_size) * g.out_size;
  const uint8_t* image = src + pixel / positions * g.src_elements();
  const int at = static_cast<int>(pixel % positions);
  const int top = at / g.out_size * g.stride - g.pad;
  const int left = at % g.out_size * g.stride - g.pad;
  for (int k = 0; k < g.kernel * g.kernel; ++k) {
    const int y = top + k / g.kernel, x = left + k % g.kernel;
    const bool inside = y >= 0 && y < g.in_size && x >= 0 && x < g.in_size;
    const uint8_t* from =
        image + (static_cast<int64_t>(y) * g.in_size + x) * g.in_channels;
    for (int c = 0; c < g.in_channels; ++c) {
      *window++ = inside ? static_cast<int16_t>(from[c] - packed.src_zero_point)
                         : int16_t{0};
    }
  }
}

}  // namespace

DenseConv::DenseConv(const ConvParams& params) {
  const ConvGeometry& g = params.geometry;
  packed_.geometry = g;
  packed_.to = params.to;
  packed_.src_zero_point = params.src_zero_point;
  packed_.pairs = (g.filter_elements() + 1) / 2;
  packed_.groups = (g.out_channels + kGroup - 1) / kGroup;
  packed_.weights.resize(packed_.groups * packed_.pairs * kGroup * 2);
  packed_.bias.resize(packed_.groups * kGroup);
  packed_.multiplier.resize(packed_.groups * kGroup);
  for (int o = 0; o < g.out_channels; ++o) {
    packed_.bias[o] = params.bias[o];
    packed_.multiplier[o] = params.multiplier[o];
    for (int64_t i = 0; i < g.filter_elements(); ++i) {
      const int64_t row = o / kGroup * packed_.pairs + i / 2;
      packed_.weights[(row * kGroup + o % kGroup) * 2 + i % 2] =
          params.weight(o, i);
    }
  }
}

void DenseConv::Run(const uint8_t* src, int64_t begin, int64_t end,
                    uint8_t* dst) const {
  std::vector<int16_t> window(kPixels * packed_.pairs * 2);
  const auto channels = HWY_DYNAMIC_DISPATCH(ChannelsOf);
  for (int64_t first = begin; first < end; first += kPixels) {
    const int pixels =
        static_cast<int>(std::min<int64_t>(kPixels, end - first));
    for (int p = 0; p < pixels; ++p) {
      GatherWindow(packed_, src, first + p,
                   window.data() + p * packed_.pairs * 2);
    }
    channels(packed_, window.data(), pixels,
             dst + first * packed_.geometry.out_channels);
  }
}

}  // namespace frostnas::quant::simd
#endif  // HWY_ONCE
