#include "quant/simd/elementwise.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/simd/elementwise.cc"
// clang-format off: foreach_target comes first.
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/simd/blocks-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace frostnas::quant::simd::HWY_NAMESPACE {

HWY_INLINE hn::Vec<BlockFloat> LoadCentred(const uint8_t* from,
                                           BlockVec zero_point) {
  const BlockVec value =
      hn::PromoteTo(BlockInt(), hn::LoadU(BlockByte(), from));
  return hn::ConvertTo(BlockFloat(), hn::Sub(value, zero_point));
}

// The first `count` sums of four vectors at `a` and `b`.
template <typename Rounding>
HWY_INLINE void AddVectors(const AddParams& params, const uint8_t* a,
                           const uint8_t* b, int count, uint8_t* dst) {
  const BlockFloat df;
  const BlockInt di;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(di));
  const auto scale = [&](const uint8_t* from, int side) FROSTNAS_UNROLLED {
    return hn::Mul(LoadCentred(from, hn::Set(di, params.zero_point[side])),
                   hn::Set(df, params.multiplier[side]));
  };
  hn::Vec<BlockFloat> scaled[kFour];
  Unroll<kFour>([&](auto i) FROSTNAS_UNROLLED {
    scaled[i] = hn::Add(scale(a + i * lanes, 0), scale(b + i * lanes, 1));
  });
  StoredFour(Rounding(params.to), scaled).StoreAll(count, dst);
}

template <typename Rounding>
void AddAll(const AddParams& params, absl::Span<const uint8_t> a,
            absl::Span<const uint8_t> b, absl::Span<uint8_t> dst) {
  const size_t step = kFour * hn::Lanes(BlockInt());
  size_t i = 0;
  for (; i + step <= dst.size(); i += step) {
    AddVectors<Rounding>(params, a.data() + i, b.data() + i,
                         static_cast<int>(step), dst.data() + i);
  }
  if (i == dst.size()) return;
  uint8_t tail_a[kFour * kBlock] = {}, tail_b[kFour * kBlock] = {};
  std::copy(a.begin() + i, a.end(), tail_a);
  std::copy(b.begin() + i, b.end(), tail_b);
  AddVectors<Rounding>(params, tail_a, tail_b, static_cast<int>(dst.size() - i),
                       dst.data() + i);
}

void AddImpl(const AddParams& params, absl::Span<const uint8_t> a,
             absl::Span<const uint8_t> b, absl::Span<uint8_t> dst) {
  if (SaturatesOnly(params)) {
    AddAll<SaturatingRequantizer>(params, a, b, dst);
  } else {
    AddAll<Requantizer>(params, a, b, dst);
  }
}

// Channels [c, c + count) of one image; count is at most a vector's lanes.
struct Channels {
  const uint8_t* first;
  int64_t stride;
  size_t count;
};

HWY_INLINE IntVec SumPositions(const Channels& from, int positions) {
  const IntTag di;
  IntVec sum = hn::Zero(di);
  if (from.count == hn::Lanes(di)) {
    for (int p = 0; p < positions; ++p) {
      sum = hn::Add(
          sum, hn::PromoteTo(
                   di, hn::LoadU(ByteTag(), from.first + p * from.stride)));
    }
    return sum;
  }
  uint8_t row[HWY_MAX_BYTES] = {};
  for (int p = 0; p < positions; ++p) {
    std::copy_n(from.first + p * from.stride, from.count, row);
    sum = hn::Add(sum, hn::PromoteTo(di, hn::LoadU(ByteTag(), row)));
  }
  return sum;
}

void AveragePoolImpl(const AveragePoolParams& params, int64_t n,
                     const uint8_t* src, uint8_t* dst) {
  const FloatTag df;
  const IntTag di;
  const Requantizer requantize(params.to);
  const FloatVec multiplier = hn::Set(df, params.multiplier);
  const IntVec centre = hn::Set(di, params.src_zero_point * params.positions);
  const size_t lanes = hn::Lanes(df);
  const size_t channels = params.channels;
  for (int64_t image = 0; image < n; ++image) {
    const uint8_t* from = src + image * params.positions * channels;
    for (size_t c = 0; c < channels; c += lanes) {
      const size_t count = std::min(lanes, channels - c);
      const IntVec sum = SumPositions(
          {from + c, static_cast<int64_t>(channels), count}, params.positions);
      uint8_t stored[HWY_MAX_BYTES];
      hn::StoreU(requantize(hn::Mul(hn::ConvertTo(df, hn::Sub(sum, centre)),
                                    multiplier)),
                 ByteTag(), stored);
      std::copy_n(stored, count, dst + image * channels + c);
    }
  }
}

void MaxRowsImpl(const Rows& rows, absl::Span<uint8_t> dst) {
  const hn::ScalableTag<uint8_t> d;
  const size_t lanes = hn::Lanes(d);
  for (int r = 0; r < rows.count; ++r) {
    const uint8_t* row = rows.first + r * rows.stride;
    size_t i = 0;
    for (; i + lanes <= dst.size(); i += lanes) {
      hn::StoreU(hn::Max(hn::LoadU(d, row + i), hn::LoadU(d, dst.data() + i)),
                 d, dst.data() + i);
    }
    for (; i < dst.size(); ++i) dst[i] = std::max(dst[i], row[i]);
  }
}

// Whole vectors; returns how many values it did. Behind the bounds of all
// `channels` stand those of a vector more.
size_t ClampImpl(const ChannelBounds& bounds, size_t channels,
                 absl::Span<uint8_t> values) {
  const hn::ScalableTag<uint8_t> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0, c = 0;
  for (; i + lanes <= values.size(); i += lanes) {
    const auto value = hn::Max(hn::LoadU(d, values.data() + i),
                               hn::LoadU(d, bounds.low.data() + c));
    hn::StoreU(hn::Min(value, hn::LoadU(d, bounds.high.data() + c)), d,
               values.data() + i);
    c = (c + lanes) % channels;
  }
  return i;
}

// Whole vectors; returns how many values it did.
size_t LookUpImpl(absl::Span<const ByteTable> tables,
                  absl::Span<const uint8_t> src, absl::Span<uint8_t> dst) {
#if HWY_TARGET == HWY_AVX3_DL
  constexpr size_t kBytes = 64, kMaxTables = 4;
  const size_t channels = tables.size();
  if (channels > kMaxTables) return 0;
  __m512i quarters[kMaxTables][4];
  for (size_t c = 0; c < channels; ++c) {
    for (int q = 0; q < 4; ++q) {
      quarters[c][q] = _mm512_loadu_si512(tables[c].data() + kBytes * q);
    }
  }
  // Bytes of channel c in a vector that begins with channel `first`.
  uint64_t bytes_of[kMaxTables][kMaxTables] = {};
  for (size_t first = 0; first < channels; ++first) {
    for (size_t i = 0; i < kBytes; ++i) {
      bytes_of[first][(first + i) % channels] |= uint64_t{1} << i;
    }
  }
  size_t i = 0, first = 0;
  for (; i + kBytes <= src.size(); i += kBytes) {
    const __m512i index = _mm512_loadu_si512(src.data() + i);
    const __mmask64 upper = _mm512_movepi8_mask(index);
    __m512i result = _mm512_setzero_si512();
    for (size_t c = 0; c < channels; ++c) {
      const __m512i low =
          _mm512_permutex2var_epi8(quarters[c][0], index, quarters[c][1]);
      const __m512i high =
          _mm512_permutex2var_epi8(quarters[c][2], index, quarters[c][3]);
      result = _mm512_mask_mov_epi8(result, bytes_of[first][c],
                                    _mm512_mask_mov_epi8(low, upper, high));
    }
    _mm512_storeu_si512(dst.data() + i, result);
    first = (first + kBytes) % channels;
  }
  return i;
#else
  // Other instruction sets have no such table.
  static_cast<void>(tables);
  static_cast<void>(src);
  static_cast<void>(dst);
  return 0;
#endif
}

const char* TargetImpl() { return hwy::TargetName(HWY_TARGET); }
bool HasVnniImpl() { return HWY_TARGET == HWY_AVX3_DL; }

}  // namespace frostnas::quant::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frostnas::quant::simd {
namespace {

HWY_EXPORT(AddImpl);
HWY_EXPORT(AveragePoolImpl);
HWY_EXPORT(ClampImpl);
HWY_EXPORT(LookUpImpl);
HWY_EXPORT(MaxRowsImpl);
HWY_EXPORT(TargetImpl);
HWY_EXPORT(HasVnniImpl);

constexpr int kCopyBytes = 16;
// Bytes; of any instruction set.
constexpr size_t kLongestVector = 256;

// Copies `size` bytes in whole blocks: up to kCopyBytes - 1 bytes more are read
// and written.
inline void CopyBlocks(const uint8_t* from, int size, uint8_t* to) {
  for (int i = 0; i < size; i += kCopyBytes)
    std::memcpy(to + i, from + i, kCopyBytes);
}

}  // namespace

void Add(const AddParams& params, absl::Span<const uint8_t> a,
         absl::Span<const uint8_t> b, absl::Span<uint8_t> dst) {
  HWY_DYNAMIC_DISPATCH(AddImpl)(params, a, b, dst);
}

void AveragePool(const AveragePoolParams& params, int64_t n, const uint8_t* src,
                 uint8_t* dst) {
  HWY_DYNAMIC_DISPATCH(AveragePoolImpl)(params, n, src, dst);
}

void MaxRows(const Rows& rows, absl::Span<uint8_t> dst) {
  HWY_DYNAMIC_DISPATCH(MaxRowsImpl)(rows, dst);
}

void JoinRows(const JoinShape& shape, const uint8_t* a, const uint8_t* b,
              uint8_t* dst) {
  const int bytes = shape.a_bytes + shape.b_bytes;
  // Rows are written in rising order, so what a block writes too much is
  // overwritten; the last rows, with nothing behind them, are copied exactly.
  const int exact = kCopyBytes / std::min(shape.a_bytes, shape.b_bytes) + 1;
  const int64_t fast_rows = std::max<int64_t>(shape.rows - exact, 0);
  for (int64_t row = 0; row < fast_rows; ++row) {
    CopyBlocks(a + row * shape.a_bytes, shape.a_bytes, dst + row * bytes);
    CopyBlocks(b + row * shape.b_bytes, shape.b_bytes,
               dst + row * bytes + shape.a_bytes);
  }
  for (int64_t row = fast_rows; row < shape.rows; ++row) {
    std::copy_n(a + row * shape.a_bytes, shape.a_bytes, dst + row * bytes);
    std::copy_n(b + row * shape.b_bytes, shape.b_bytes,
                dst + row * bytes + shape.a_bytes);
  }
}

void LookUp(absl::Span<const ByteTable> tables, absl::Span<const uint8_t> src,
            absl::Span<uint8_t> dst) {
  const size_t channels = tables.size();
  for (size_t i = HWY_DYNAMIC_DISPATCH(LookUpImpl)(tables, src, dst);
       i < src.size(); ++i) {
    dst[i] = tables[i % channels][src[i]];
  }
}

ChannelClamp::ChannelClamp(const ChannelBounds& bounds)
    : channels_(static_cast<int64_t>(bounds.low.size())), repeated_(bounds) {
  for (size_t i = 0; i < kLongestVector; ++i) {
    repeated_.low.push_back(repeated_.low[i]);
    repeated_.high.push_back(repeated_.high[i]);
  }
}

void ChannelClamp::Apply(absl::Span<uint8_t> values) const {
  for (size_t i = HWY_DYNAMIC_DISPATCH(ClampImpl)(repeated_, channels_, values);
       i < values.size(); ++i) {
    const size_t c = i % channels_;
    values[i] = std::clamp(values[i], repeated_.low[c], repeated_.high[c]);
  }
}

const char* Target() { return HWY_DYNAMIC_DISPATCH(TargetImpl)(); }

bool HasVnni() { return HWY_DYNAMIC_DISPATCH(HasVnniImpl)(); }

}  // namespace frostnas::quant::simd
#endif  // HWY_ONCE
