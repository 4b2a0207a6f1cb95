#include "quant/simd/depthwise_conv.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/simd/depthwise_conv.cc"
// clang-format off: foreach_target comes first.
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/simd/blocks-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace frostnas::quant::simd::HWY_NAMESPACE {
namespace {

using Packed = DepthwiseConv::Packed;

constexpr int kMaxQuads = 2;

struct FourRows {
  const uint8_t* row[4];
};

// Channel c's values of four rows in lane c.
HWY_INLINE BlockVec Interleave(const FourRows& rows, int64_t at) {
#if HWY_TARGET == HWY_AVX3_DL
  alignas(64) static constexpr uint8_t kOrder[64] = {
      0,  16, 32, 48, 1,  17, 33, 49, 2,  18, 34, 50, 3,  19, 35, 51,
      4,  20, 36, 52, 5,  21, 37, 53, 6,  22, 38, 54, 7,  23, 39, 55,
      8,  24, 40, 56, 9,  25, 41, 57, 10, 26, 42, 58, 11, 27, 43, 59,
      12, 28, 44, 60, 13, 29, 45, 61, 14, 30, 46, 62, 15, 31, 47, 63};
  const auto row = [&](int r) HWY_ATTR {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows.row[r] + at));
  };
  __m512i four = _mm512_castsi128_si512(row(0));
  four = _mm512_inserti32x4(four, row(1), 1);
  four = _mm512_inserti32x4(four, row(2), 2);
  four = _mm512_inserti32x4(four, row(3), 3);
  return BlockVec{_mm512_permutexvar_epi8(_mm512_load_si512(kOrder), four)};
#else
  const BlockUnsigned du;
  const auto row = [&](int r) HWY_ATTR {
    return hn::PromoteTo(du, hn::LoadU(BlockByte(), rows.row[r] + at));
  };
  const auto low = hn::Or(row(0), hn::ShiftLeft<8>(row(1)));
  const auto high = hn::Or(row(2), hn::ShiftLeft<8>(row(3)));
  return hn::BitCast(BlockInt(), hn::Or(low, hn::ShiftLeft<16>(high)));
#endif
}

// Channels that are handled together for all rows, so that their weights stay
// in the nearest cache and each line of the input is fetched once.
constexpr int kCachedChannels = 64;

struct ChannelRange {
  int begin, end;
};

// A group of output rows.
struct RowGroup {
  // The input rows it reads: 4 * quads.
  const uint8_t* src[4 * kMaxQuads];
  uint8_t* dst = nullptr;
  // Output rows that exist.
  int rows = 1;
};

// How the sums of a block of channels become output.
struct Output {
  BlockVec bias;
  hn::Vec<BlockFloat> multiplier;
  Requantization to;
  // Channels that exist.
  int count;
};

// Where a tile of four sums goes: those of `rows` by `columns` that exist.
struct TileTarget {
  uint8_t* dst;
  int64_t row_bytes, column_bytes;
  int rows, columns;
};

template <int kColumns, typename Rounding>
HWY_INLINE void StoreTile(const BlockVec (&sums)[kFour], const Output& output,
                          const TileTarget& target) {
  const BlockFloat df;
  hn::Vec<BlockFloat> scaled[kFour];
  for (int i = 0; i < kFour; ++i) {
    scaled[i] = hn::Mul(hn::ConvertTo(df, sums[i]), output.multiplier);
  }
  const StoredFour stored(Rounding(output.to), scaled);
  const auto to = [&](int row, int column) {
    return target.dst + row * target.row_bytes + column * target.column_bytes;
  };
  const auto exists = [&](int row, int column) {
    return row < target.rows && column < target.columns;
  };
  constexpr int kRowOf1 = 1 / kColumns, kRowOf2 = 2 / kColumns,
                kRowOf3 = 3 / kColumns;
  constexpr int kColumnOf1 = 1 % kColumns, kColumnOf2 = 2 % kColumns,
                kColumnOf3 = 3 % kColumns;
  stored.Store<0>(output.count, to(0, 0));
  if (exists(kRowOf1, kColumnOf1)) {
    stored.Store<1>(output.count, to(kRowOf1, kColumnOf1));
  }
  if (exists(kRowOf2, kColumnOf2)) {
    stored.Store<2>(output.count, to(kRowOf2, kColumnOf2));
  }
  if (exists(kRowOf3, kColumnOf3)) {
    stored.Store<3>(output.count, to(kRowOf3, kColumnOf3));
  }
}

// The interleaved input of one block of channels: (columns, quads, lanes),
// columns of padding included.
int64_t ColumnCount(const ConvGeometry& g) {
  // The last tile may reach beyond the last output column.
  return g.in_size + 2 * g.pad + int64_t{kFour} * g.stride;
}

void FillPadding(const Packed& packed, int32_t* columns) {
  const int64_t values =
      ColumnCount(packed.geometry) * packed.quads * hn::Lanes(BlockInt());
  std::fill_n(columns, values,
              static_cast<int32_t>(packed.src_zero_point * 0x01010101u));
}

// Channels [first, first + lanes): all columns but those of padding.
HWY_INLINE void InterleaveRows(const Packed& packed, const RowGroup& group,
                               int first, int32_t* columns) {
  const BlockInt di;
  const ConvGeometry& g = packed.geometry;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(di));
  const int quads = packed.quads;
  for (int q = 0; q < quads; ++q) {
    int32_t* to = columns + (g.pad * quads + q) * lanes;
    const uint8_t* const* src = group.src + 4 * q;
    const FourRows rows = {{src[0], src[1], src[2], src[3]}};
    const int64_t end = first + int64_t{g.in_size} * g.in_channels;
    const int64_t step = g.in_channels;
    for (int64_t at = first; at < end; at += step) {
      hn::StoreU(Interleave(rows, at), di, to);
      to += quads * lanes;
    }
  }
}

// The sums of a tile: kRows output rows from the first that `weights` belong
// to, kFour / kRows columns from the one that `columns` points to.
template <int kKernel, int kQuads, int kRows, int kStride>
HWY_INLINE void SumTile(const int32_t* columns, const BlockVec* weights,
                        BlockVec bias, BlockVec (&sums)[kFour]) {
  const BlockInt di;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(di));
  constexpr int kColumns = kFour / kRows;
  // A chain of additions for each four of input rows: the processor waits for
  // one addition before the next of its chain.
  BlockVec chains[kQuads][kFour];
  for (int i = 0; i < kFour; ++i) {
    chains[0][i] = bias;
    if (kQuads > 1) chains[kQuads - 1][i] = hn::Zero(di);
  }
#pragma GCC unroll 16
  for (int i = 0; i < kKernel + (kColumns - 1) * kStride; ++i) {
#pragma GCC unroll 2
    for (int q = 0; q < kQuads; ++q) {
      const BlockVec values = hn::LoadU(di, columns + (i * kQuads + q) * lanes);
#pragma GCC unroll 4
      for (int c = 0; c < kColumns; ++c) {
        const int kx = i - c * kStride;
        if (kx < 0 || kx >= kKernel) continue;
#pragma GCC unroll 2
        for (int r = 0; r < kRows; ++r) {
          BlockVec& sum = chains[q][r * kColumns + c];
          sum = AddFour(sum, values, weights[(r * kKernel + kx) * kQuads + q]);
        }
      }
    }
  }
  for (int i = 0; i < kFour; ++i) {
    sums[i] = kQuads > 1 ? hn::Add(chains[0][i], chains[kQuads - 1][i])
                         : chains[0][i];
  }
}

// Channels [first, first + lanes) of kRows rows of a group, from `row`.
template <int kKernel, int kQuads, int kRows, int kStride, typename Rounding>
HWY_INLINE void ConvolveRows(const Packed& packed, const RowGroup& group,
                             int first, int row, const int32_t* columns) {
  const BlockInt di;
  const ConvGeometry& g = packed.geometry;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(di));
  constexpr int kTaps = kKernel * kQuads;
  constexpr int kColumns = kFour / kRows;
  const int64_t block = first / kBlock;
  const int64_t within = first % kBlock;
  BlockVec weights[kRows * kTaps];
#pragma GCC unroll 32
  for (int i = 0; i < kRows * kTaps; ++i) {
    const int64_t tap = (block * packed.rows + row) * kTaps + i;
    weights[i] =
        hn::LoadU(di, reinterpret_cast<const int32_t*>(packed.weights.data()) +
                          tap * kBlock + within);
  }
  const Output output = {
      .bias = hn::LoadU(di, packed.bias.data() + first),
      .multiplier = hn::LoadU(BlockFloat(), packed.multiplier.data() + first),
      .to = packed.to,
      .count = g.out_channels - first};
  TileTarget target = {
      .dst = group.dst + first + row * int64_t{g.out_size} * g.out_channels,
      .row_bytes = int64_t{g.out_size} * g.out_channels,
      .column_bytes = g.out_channels,
      .rows = group.rows - row};
  for (int x = 0; x < g.out_size; x += kColumns) {
    BlockVec sums[kFour];
    SumTile<kKernel, kQuads, kRows, kStride>(columns, weights, output.bias,
                                             sums);
    target.columns = g.out_size - x;
    StoreTile<kColumns, Rounding>(sums, output, target);
    columns += kColumns * kStride * kQuads * lanes;
    target.dst += kColumns * target.column_bytes;
  }
}

// Channels [begin, end) of a row group; kRows rows are computed at once.
template <int kKernel, int kQuads, int kRows, int kStride, typename Rounding>
void ConvolveGroup(const Packed& packed, const RowGroup& group,
                   ChannelRange channels, int32_t* columns) {
  const int lanes = static_cast<int>(hn::Lanes(BlockInt()));
  for (int first = channels.begin; first < channels.end; first += lanes) {
    InterleaveRows(packed, group, first, columns);
    for (int row = 0; row < group.rows; row += kRows) {
      ConvolveRows<kKernel, kQuads, kRows, kStride, Rounding>(
          packed, group, first, row, columns);
    }
  }
}

using GroupFunction = void (*)(const Packed&, const RowGroup&, ChannelRange,
                               int32_t*);

template <typename Rounding>
GroupFunction ChooseGroup(const ConvGeometry& g) {
  if (g.kernel == 5) {
    return g.stride == 1 ? ConvolveGroup<5, 2, 2, 1, Rounding>
                         : ConvolveGroup<5, 2, 2, 2, Rounding>;
  }
  return g.stride == 1 ? ConvolveGroup<3, 1, 2, 1, Rounding>
                       : ConvolveGroup<3, 1, 1, 2, Rounding>;
}

// Output rows from `y` of one image.
RowGroup GroupAt(const Packed& packed, const uint8_t* image, int y,
                 uint8_t* dst) {
  const ConvGeometry& g = packed.geometry;
  RowGroup group;
  for (int r = 0; r < 4 * packed.quads; ++r) {
    const int at = y * g.stride - g.pad + r;
    group.src[r] = at >= 0 && at < g.in_size
                       ? image + int64_t{at} * g.in_size * g.in_channels
                       : packed.padding.data();
  }
  group.dst = dst + int64_t{y} * g.out_size * g.out_channels;
  group.rows = std::min(packed.rows, g.out_size - y);
  return group;
}

// `values` of them, aligned to a vector. One allocation a thread: it grows to
// what the largest layer needs.
int32_t* ColumnScratch(size_t values) {
  constexpr size_t kAlign = 64;
  static thread_local std::vector<int32_t> columns;
  const size_t needed = values + kAlign / sizeof(int32_t);
  if (columns.size() < needed) columns.resize(needed);
  const auto address = reinterpret_cast<uintptr_t>(columns.data());
  return reinterpret_cast<int32_t*>((address + kAlign - 1) / kAlign * kAlign);
}

void RunImpl(const Packed& packed, const uint8_t* src, int64_t begin,
             int64_t end, uint8_t* dst) {
  const ConvGeometry& g = packed.geometry;
  const GroupFunction convolve = packed.saturates
                                     ? ChooseGroup<SaturatingRequantizer>(g)
                                     : ChooseGroup<Requantizer>(g);
  int32_t* columns =
      ColumnScratch(ColumnCount(g) * packed.quads * hn::Lanes(BlockInt()));
  FillPadding(packed, columns);
  const int64_t groups = (g.out_size + packed.rows - 1) / packed.rows;
  for (int first = 0; first < g.out_channels; first += kCachedChannels) {
    const ChannelRange channels = {
        first, std::min(first + kCachedChannels, g.out_channels)};
    for (int64_t part = begin; part < end; ++part) {
      const int64_t n = part / groups;
      const int y = static_cast<int>(part % groups) * packed.rows;
      convolve(packed,
               GroupAt(packed, src + n * g.src_elements(), y,
                       dst + n * g.dst_elements()),
               channels, columns);
    }
  }
}

}  // namespace
}  // namespace frostnas::quant::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frostnas::quant::simd {
namespace {

HWY_EXPORT(RunImpl);

}  // namespace

bool DepthwiseConv::Supports(const ConvGeometry& g) {
  const bool kernel = g.kernel == 3 || g.kernel == 5;
  return g.depthwise && kernel && (g.stride == 1 || g.stride == 2) &&
         g.pad <= g.kernel / 2;
}

DepthwiseConv::DepthwiseConv(const ConvParams& params) {
  const ConvGeometry& g = params.geometry;
  CHECK(Supports(g));
  packed_.geometry = g;
  packed_.to = params.to;
  packed_.src_zero_point = params.src_zero_point;
  packed_.saturates = SaturatesOnly(params);
  // As many rows as the fours of input rows serve.
  packed_.quads = g.kernel == 3 ? 1 : 2;
  packed_.rows = (4 * packed_.quads - g.kernel) / g.stride + 1;
  const int channels = RoundUpToBlock(g.out_channels);
  packed_.bias = FoldZeroPoint(params);
  packed_.bias.resize(channels);
  packed_.multiplier = params.multiplier;
  packed_.multiplier.resize(channels);
  packed_.padding.assign(int64_t{g.in_size} * g.in_channels + kSlackBytes,
                         static_cast<uint8_t>(params.src_zero_point));
  const int taps = g.kernel * packed_.quads;
  packed_.weights.resize(int64_t{channels} * packed_.rows * taps * 4);
  for (int c = 0; c < g.out_channels; ++c) {
    for (int i = 0; i < packed_.rows * g.kernel * g.kernel; ++i) {
      const int row = i / (g.kernel * g.kernel);
      const int ky = i / g.kernel % g.kernel, kx = i % g.kernel;
      const int from_row = row * g.stride + ky;
      const int64_t tap = (int64_t{c / kBlock} * packed_.rows + row) * taps +
                          kx * packed_.quads + from_row / 4;
      packed_.weights[(tap * kBlock + c % kBlock) * 4 + from_row % 4] =
          params.weight(c, int64_t{ky} * g.kernel + kx);
    }
  }
}

int64_t DepthwiseConv::Parts(int64_t n) const {
  return n * ((packed_.geometry.out_size + packed_.rows - 1) / packed_.rows);
}

void DepthwiseConv::Run(const uint8_t* src, int64_t begin, int64_t end,
                        uint8_t* dst) const {
  HWY_DYNAMIC_DISPATCH(RunImpl)(packed_, src, begin, end, dst);
}

}  // namespace frostnas::quant::simd
#endif  // HWY_ONCE
