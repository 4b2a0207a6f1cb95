// Stored values as XNNPACK takes them: minus 128, which is one flipped bit.
//
// Pure functions; any thread.
#ifndef FROSTNAS_QUANT_XNNPACK_SIGNED_BYTES_H_
#define FROSTNAS_QUANT_XNNPACK_SIGNED_BYTES_H_

#include <cstdint>

namespace frostnas::quant {

inline constexpr int kSignedOffset = 128;

inline int8_t ToSigned(int stored) {
  return static_cast<int8_t>(stored - kSignedOffset);
}

// dst[i] = src[i] -+ 128, in either direction; src and dst may be the same.
inline void FlipSigns(const void* src, int64_t count, void* dst) {
  const auto* from = static_cast<const uint8_t*>(src);
  auto* to = static_cast<uint8_t*>(dst);
  for (int64_t i = 0; i < count; ++i) to[i] = from[i] ^ kSignedOffset;
}

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_XNNPACK_SIGNED_BYTES_H_
