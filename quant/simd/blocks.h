// How the convolutions by sums of four 8-bit products divide their channels.
//
// Constants and pure functions; any thread.
#ifndef FROSTNAS_QUANT_SIMD_BLOCKS_H_
#define FROSTNAS_QUANT_SIMD_BLOCKS_H_

namespace frostnas::quant::simd {

// Channels are handled in blocks of this many: a vector of 512 bits.
inline constexpr int kBlock = 16;

// Bytes behind a source tensor's last value that may be read; their values do
// not matter.
inline constexpr int kSlackBytes = 64;

inline int RoundUpToBlock(int channels) {
  return (channels + kBlock - 1) / kBlock * kBlock;
}

}  // namespace frostnas::quant::simd

#endif  // FROSTNAS_QUANT_SIMD_BLOCKS_H_
