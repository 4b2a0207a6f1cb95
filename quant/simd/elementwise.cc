#include "quant/simd/elementwise.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/simd/elementwise.cc"
// clang-format off: foreach_target comes first.
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "quant/simd/requantize-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace frostnas::quant::simd::HWY_NAMESPACE {

FloatVec LoadCentred(const uint8_t* from, IntVec zero_point) {
  const IntVec value = hn::PromoteTo(IntTag(), hn::LoadU(ByteTag(), from));
  return hn::ConvertTo(FloatTag(), hn::Sub(value, zero_point));
}

void AddImpl(const AddParams& params, absl::Span<const uint8_t> a,
             absl::Span<const uint8_t> b, absl::Span<uint8_t> dst) {
  const FloatTag df;
  const IntTag di;
  const Requantizer requantize(params.to);
  const auto add = [&](const uint8_t* a_at, const uint8_t* b_at,
                       uint8_t* to) HWY_ATTR {
    const FloatVec scaled_a =
        hn::Mul(LoadCentred(a_at, hn::Set(di, params.zero_point[0])),
                hn::Set(df, params.multiplier[0]));
    const FloatVec scaled_b =
        hn::Mul(LoadCentred(b_at, hn::Set(di, params.zero_point[1])),
                hn::Set(df, params.multiplier[1]));
    hn::StoreU(requantize(hn::Add(scaled_a, scaled_b)), ByteTag(), to);
  };
  const size_t lanes = hn::Lanes(df);
  size_t i = 0;
  for (; i + lanes <= dst.size(); i += lanes) {
    add(a.data() + i, b.data() + i, dst.data() + i);
  }
  if (i == dst.size()) return;
  uint8_t tail_a[HWY_MAX_BYTES] = {}, tail_b[HWY_MAX_BYTES] = {};
  uint8_t tail[HWY_MAX_BYTES];
  std::copy(a.begin() + i, a.end(), tail_a);
  std::copy(b.begin() + i, b.end(), tail_b);
  add(tail_a, tail_b, tail);
  std::copy_n(tail, dst.size() - i, dst.data() + i);
}

// Channels [c, c + count) of one image; count is at most a vector's lanes.
struct Channels {
  const uint8_t* first;
  int64_t stride;
  size_t count;
};

IntVec SumPositions(const Channels& from, int positions) {
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

const char* TargetImpl() { return hwy::TargetName(HWY_TARGET); }

}  // namespace frostnas::quant::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace frostnas::quant::simd {
namespace {

HWY_EXPORT(AddImpl);
HWY_EXPORT(AveragePoolImpl);
HWY_EXPORT(MaxRowsImpl);
HWY_EXPORT(TargetImpl);

constexpr int kBlock = 16;

// Copies `size` bytes in whole blocks: up to kBlock - 1 bytes more are read
// and written.
inline void CopyBlocks(const uint8_t* from, int size, uint8_t* to) {
  for (int i = 0; i < size; i += kBlock) std::memcpy(to + i, from + i, kBlock);
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
  const int exact = kBlock / std::min(shape.a_bytes, shape.b_bytes) + 1;
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

const char* Target() { return HWY_DYNAMIC_DISPATCH(TargetImpl)(); }

}  // namespace frostnas::quant::simd
#endif  // HWY_ONCE
