#include "quant/simd/dense_conv.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/simd/dense_conv.cc"
// clang-format off: foreach_target comes first.
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/simd/blocks-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace frostnas::quant::simd::HWY_NAMESPACE {
namespace {

using Packed = DenseConv::Packed;

// Pixels that follow each other in memory at one distance, in src and in dst.
struct PixelRun {
  const uint8_t* src;
  int64_t src_step;
  uint8_t* dst;
  int64_t count;
};

// The four values at `from` in every lane.
HWY_INLINE BlockVec Broadcast(const uint8_t* from) {
  int32_t four;
  std::memcpy(&four, from, sizeof(four));
  return hn::Set(BlockInt(), four);
}

// Sums of kVectors vectors of output channels from `first`, of kPixels pixels.
template <int kVectors, int kPixels>
HWY_INLINE void SumTile(const Packed& packed, const PixelRun& run, int first,
                        BlockVec (&sums)[kPixels][kVectors]) {
  const BlockInt di;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(di));
  const int64_t fours = static_cast<int64_t>(packed.offsets.size());
  const int32_t* weights[kVectors];
  Unroll<kVectors>([&](auto v) FROSTNAS_UNROLLED {
    const int64_t channel = first + v * lanes;
    weights[v] = reinterpret_cast<const int32_t*>(packed.weights.data()) +
                 channel / kBlock * fours * kBlock + channel % kBlock;
    const BlockVec bias = hn::LoadU(di, packed.bias.data() + channel);
    Unroll<kPixels>([&](auto p) FROSTNAS_UNROLLED { sums[p][v] = bias; });
  });
  const int64_t* offsets = packed.offsets.data();
  for (int64_t i = 0; i < fours; ++i) {
    BlockVec w[kVectors];
    Unroll<kVectors>([&](auto v) FROSTNAS_UNROLLED {
      w[v] = hn::LoadU(di, weights[v] + i * kBlock);
    });
    const uint8_t* from = run.src + offsets[i];
    Unroll<kPixels>([&](auto p) FROSTNAS_UNROLLED {
      const BlockVec values = Broadcast(from + p * run.src_step);
      Unroll<kVectors>([&](auto v) FROSTNAS_UNROLLED {
        sums[p][v] = AddFour(sums[p][v], values, w[v]);
      });
    });
  }
}

// How sums become output: kVectors vectors of channels.
template <int kVectors, typename Rounding>
struct Output {
  hn::Vec<BlockFloat> multiplier[kVectors];
  Rounding rounding;
  // Channels that exist, from the first of these.
  int count;
  int64_t pixel_bytes;
};

// kVectors * kPixels sums, four at a time.
template <int kVectors, int kPixels, typename Rounding>
HWY_INLINE void StoreTile(const BlockVec (&sums)[kPixels][kVectors],
                          const Output<kVectors, Rounding>& output,
                          uint8_t* dst) {
  const BlockFloat df;
  // Pixels that share a register; three vectors leave a quarter of it unused.
  constexpr int kTogether = kVectors >= 3 ? 1 : kFour / kVectors;
  static_assert(kPixels % kTogether == 0);
  Unroll<kPixels / kTogether>([&](auto group) FROSTNAS_UNROLLED {
    hn::Vec<BlockFloat> scaled[kFour];
    Unroll<kFour>([&](auto i) FROSTNAS_UNROLLED {
      constexpr int kVector =
          kTogether == 1 ? std::min<int>(i, kVectors - 1) : i % kVectors;
      constexpr int kPixel =
          group * kTogether + (kTogether == 1 ? 0 : i / kVectors);
      scaled[i] = hn::Mul(hn::ConvertTo(df, sums[kPixel][kVector]),
                          output.multiplier[kVector]);
    });
    const StoredFour stored(output.rounding, scaled);
    if constexpr (kTogether == 1) {
      stored.StoreAll(output.count, dst);
    } else if constexpr (kTogether == 2) {
      stored.template StoreTwo<0>(output.count, dst);
      stored.template StoreTwo<2>(output.count, dst + output.pixel_bytes);
    } else {
      stored.template Store<0>(output.count, dst);
      stored.template Store<1>(output.count, dst + output.pixel_bytes);
      stored.template Store<2>(output.count, dst + 2 * output.pixel_bytes);
      stored.template Store<3>(output.count, dst + 3 * output.pixel_bytes);
    }
    dst += kTogether * output.pixel_bytes;
  });
}

// kVectors vectors of channels from `first`, of all pixels of a run.
template <int kVectors, int kPixels, typename Rounding>
void ConvolveVectors(const Packed& packed, const PixelRun& run, int first) {
  const int lanes = static_cast<int>(hn::Lanes(BlockInt()));
  Output<kVectors, Rounding> output = {
      .rounding = Rounding(packed.to),
      .count = std::min(kVectors * lanes, packed.geometry.out_channels - first),
      .pixel_bytes = packed.geometry.out_channels};
  for (int v = 0; v < kVectors; ++v) {
    output.multiplier[v] =
        hn::LoadU(BlockFloat(), packed.multiplier.data() + first + v * lanes);
  }
  const auto tile = [&](int64_t at) FROSTNAS_UNROLLED {
    PixelRun part = run;
    part.src += at * run.src_step;
    BlockVec sums[kPixels][kVectors];
    SumTile(packed, part, first, sums);
    StoreTile(sums, output, run.dst + first + at * output.pixel_bytes);
  };
  for (int64_t at = 0; at + kPixels <= run.count; at += kPixels) tile(at);
  // The rest once more together with pixels before it.
  if (run.count % kPixels != 0) tile(run.count - kPixels);
}

// One or two vectors of channels of a run too short for tiles.
template <typename Rounding>
void ConvolvePixels(const Packed& packed, const PixelRun& run, int first,
                    int end) {
  const BlockFloat df;
  const int lanes = static_cast<int>(hn::Lanes(BlockInt()));
  const int channels = packed.geometry.out_channels;
  const Rounding rounding(packed.to);
  for (; first < end; first += lanes) {
    const auto multiplier = hn::LoadU(df, packed.multiplier.data() + first);
    for (int64_t at = 0; at < run.count; ++at) {
      PixelRun one = run;
      one.src += at * run.src_step;
      BlockVec sums[1][1];
      SumTile(packed, one, first, sums);
      StoreChannels(
          rounding(hn::Mul(hn::ConvertTo(df, sums[0][0]), multiplier)),
          channels - first, run.dst + at * channels + first);
    }
  }
}

// Channels [first, end) of a run: at most four vectors. Tiles are as large as
// the registers hold.
template <typename Rounding>
void ConvolveChannels(const Packed& packed, const PixelRun& run, int first,
                      int end) {
  const int lanes = static_cast<int>(hn::Lanes(BlockInt()));
  constexpr int kNarrowPixels = 12;
  switch ((end - first) / lanes) {
    case 4:
      return run.count < 6
                 ? ConvolveVectors<4, 1, Rounding>(packed, run, first)
                 : ConvolveVectors<4, 6, Rounding>(packed, run, first);
    case 3:
      return run.count < 8
                 ? ConvolveVectors<3, 1, Rounding>(packed, run, first)
                 : ConvolveVectors<3, 8, Rounding>(packed, run, first);
    case 2:
      if (run.count < kNarrowPixels) break;
      return ConvolveVectors<2, kNarrowPixels, Rounding>(packed, run, first);
    case 1:
      if (run.count < kNarrowPixels) break;
      return ConvolveVectors<1, kNarrowPixels, Rounding>(packed, run, first);
  }
  ConvolvePixels<Rounding>(packed, run, first, end);
}

template <typename Rounding>
void ConvolveRun(const Packed& packed, const PixelRun& run) {
  const int lanes = static_cast<int>(hn::Lanes(BlockInt()));
  const int vectors = (packed.geometry.out_channels + lanes - 1) / lanes;
  // As even as can be: no tile much narrower than the others.
  const int tiles = (vectors + kFour - 1) / kFour;
  for (int i = 0; i < tiles; ++i) {
    ConvolveChannels<Rounding>(packed, run, vectors * i / tiles * lanes,
                               vectors * (i + 1) / tiles * lanes);
  }
}

// Output pixels [begin, end): runs of pixels in one row of an image; all of
// them, where output pixels lie as input pixels do.
void ConvolveImpl(const Packed& packed, const uint8_t* src, int64_t begin,
                  int64_t end, uint8_t* dst) {
  const ConvGeometry& g = packed.geometry;
  const auto convolve = packed.saturates ? ConvolveRun<SaturatingRequantizer>
                                         : ConvolveRun<Requantizer>;
  const bool one_run = g.kernel == 1 && g.stride == 1;
  const int64_t row_pixels = g.out_size;
  for (int64_t at = begin; at < end;) {
    const int64_t row = at / row_pixels, x = at % row_pixels;
    const int64_t n = row / g.out_size, y = row % g.out_size;
    PixelRun run = {
        .src = src + n * g.src_elements() +
               (y * g.in_size + x) * g.stride * g.in_channels,
        .src_step = int64_t{g.stride} * g.in_channels,
        .dst = dst + at * g.out_channels,
        .count = one_run ? end - at : std::min(row_pixels - x, end - at)};
    convolve(packed, run);
    at += run.count;
  }
}

}  // namespace
}  // namespace frostnas::quant::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frostnas::quant::simd {
namespace {

HWY_EXPORT(ConvolveImpl);

}  // namespace

DenseConv::DenseConv(const ConvParams& params) {
  const ConvGeometry& g = params.geometry;
  CHECK(!g.depthwise);
  CHECK_EQ(g.pad, 0);
  packed_.geometry = g;
  packed_.to = params.to;
  packed_.saturates = SaturatesOnly(params);
  // A row of the filter lies together in memory.
  const int row_values = g.kernel * g.in_channels;
  const int row_fours = (row_values + 3) / 4;
  for (int64_t i = 0; i < int64_t{g.kernel} * row_fours; ++i) {
    packed_.offsets.push_back(i / row_fours * g.in_size * g.in_channels +
                              i % row_fours * 4);
  }
  const int channels = RoundUpToBlock(g.out_channels);
  packed_.bias = FoldZeroPoint(params);
  packed_.bias.resize(channels);
  packed_.multiplier = params.multiplier;
  packed_.multiplier.resize(channels);
  const int64_t fours = static_cast<int64_t>(packed_.offsets.size());
  packed_.weights.resize(channels * fours * 4);
  for (int o = 0; o < g.out_channels; ++o) {
    for (int64_t i = 0; i < g.filter_elements(); ++i) {
      const int64_t within = i % row_values;
      const int64_t four = i / row_values * row_fours + within / 4;
      const int64_t at = (o / kBlock * fours + four) * kBlock + o % kBlock;
      packed_.weights[at * 4 + within % 4] = params.weight(o, i);
    }
  }
}

void DenseConv::Run(const uint8_t* src, int64_t begin, int64_t end,
                    uint8_t* dst) const {
  HWY_DYNAMIC_DISPATCH(ConvolveImpl)(packed_, src, begin, end, dst);
}

}  // namespace frostnas::quant::simd
#endif  // HWY_ONCE
