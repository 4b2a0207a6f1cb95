// Dense convolution and linear by 16-bit multiplications: exact on every
// processor. For those whose 8-bit multiply-add saturates at 16 bits (AVX2 and
// AVX-512 without VNNI, SSE), where oneDNN's kernels are not exact.
//
// Bit for bit equal to ConvReference. Thread-compatible; Run may be called
// from several threads for different output rows.
#ifndef FROSTNAS_QUANT_SIMD_DENSE_CONV_H_
#define FROSTNAS_QUANT_SIMD_DENSE_CONV_H_

#include <cstdint>
#include <vector>

#include "quant/layer_params.h"

namespace frostnas::quant::simd {

class DenseConv {
 public:
  // Packs the weights; `params` is copied but for its spans, which are not
  // used afterwards. Not for depthwise convolutions.
  explicit DenseConv(const ConvParams& params);

  // Output pixels [begin, end) of a batch, counted over (n, y, x). src and dst
  // are whole tensors.
  void Run(const uint8_t* src, int64_t begin, int64_t end, uint8_t* dst) const;

  // Output channels are handled in groups of this many.
  static constexpr int kGroup = 16;
  // Output pixels, likewise.
  static constexpr int kPixels = 4;

  // For the kernels.
  struct Packed {
    ConvGeometry geometry;
    Requantization to;
    int src_zero_point = 0;
    // Pairs of filter positions: (in_channels * kernel^2 + 1) / 2.
    int64_t pairs = 0;
    int groups = 0;
    std::vector<int16_t> weights;   // (groups, pairs, kGroup, 2)
    std::vector<int32_t> bias;      // (groups, kGroup)
    std::vector<float> multiplier;  // (groups, kGroup)
  };

 private:
  Packed packed_;
};

}  // namespace frostnas::quant::simd

#endif  // FROSTNAS_QUANT_SIMD_DENSE_CONV_H_
