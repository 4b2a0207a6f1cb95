// Operators that oneDNN has no integer primitive for, vectorised by Highway
// for the processor at hand. Bit for bit equal to quant/kernels/reference.h.
//
// Single threaded: callers split the work (nn/threads.h). Pure functions; any
// thread.
#ifndef FROSTNAS_QUANT_SIMD_ELEMENTWISE_H_
#define FROSTNAS_QUANT_SIMD_ELEMENTWISE_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "quant/layer_params.h"

namespace frostnas::quant::simd {

// As AddReference. dst must not overlap a or b.
void Add(const AddParams& params, absl::Span<const uint8_t> a,
         absl::Span<const uint8_t> b, absl::Span<uint8_t> dst);

// As AveragePoolReference, of n images.
void AveragePool(const AveragePoolParams& params, int64_t n, const uint8_t* src,
                 uint8_t* dst);

// Element-wise maximum of `count` rows, `stride` bytes apart, each `size`
// bytes: dst[i] = max over rows.
struct Rows {
  const uint8_t* first = nullptr;
  int64_t stride = 0;
  int count = 0;
};
// dst[i] = max(dst[i], rows[r][i]) for all rows.
void MaxRows(const Rows& rows, absl::Span<uint8_t> dst);

// Joins rows: dst gets, for each of `rows` rows, a_bytes of a, then b_bytes of
// b.
struct JoinShape {
  int64_t rows = 0;
  int a_bytes = 0;
  int b_bytes = 0;
};
void JoinRows(const JoinShape& shape, const uint8_t* a, const uint8_t* b,
              uint8_t* dst);

// As ClampChannelsReference. Prepared once, then applied to any number of rows.
class ChannelClamp {
 public:
  explicit ChannelClamp(const ChannelBounds& bounds);

  int64_t channels() const { return channels_; }
  // In place; values (rows, channels).
  void Apply(absl::Span<uint8_t> values) const;

 private:
  int64_t channels_;
  // Repeated, so that a vector may be read from any channel on.
  ChannelBounds repeated_;
};

// dst[i] = table[i % tables.size()][src[i]]: values of interleaved channels,
// each through its own table. src and dst are of one size and may be the same.
using ByteTable = std::array<uint8_t, 256>;
void LookUp(absl::Span<const ByteTable> tables, absl::Span<const uint8_t> src,
            absl::Span<uint8_t> dst);

// The instruction set in use, e.g. "AVX3_DL".
const char* Target();
// Whether it sums four 8-bit products in one instruction.
bool HasVnni();

}  // namespace frostnas::quant::simd

#endif  // FROSTNAS_QUANT_SIMD_ELEMENTWISE_H_
