// Dense convolution and linear by sums of four 8-bit products, which a
// processor with VNNI makes in one instruction. Exact everywhere: without VNNI
// it multiplies in 16 bits, where oneDNN's kernels saturate (AVX2 and AVX-512
// without VNNI, SSE).
//
// Bit for bit equal to ConvReference. Thread-compatible; Run may be called
// from several threads for different pixels.
#ifndef FROSTNAS_QUANT_SIMD_DENSE_CONV_H_
#define FROSTNAS_QUANT_SIMD_DENSE_CONV_H_

#include <cstdint>
#include <vector>

#include "quant/layer_params.h"
#include "quant/simd/blocks.h"

namespace frostnas::quant::simd {

class DenseConv {
 public:
  // Packs the weights; `params` is copied but for its spans, which are not
  // used afterwards. Not for depthwise convolutions nor for padding.
  explicit DenseConv(const ConvParams& params);

  // Output pixels [begin, end) of a batch, counted over (n, y, x). src and dst
  // are whole tensors; up to kSlackBytes behind src's last value are read.
  void Run(const uint8_t* src, int64_t begin, int64_t end, uint8_t* dst) const;

  // For the kernels.
  struct Packed {
    ConvGeometry geometry;
    Requantization to;
    // SaturatesOnly of quant/layer_params.h.
    bool saturates = false;
    // Where the fours of input values that make an output pixel begin, in
    // bytes from the pixel's first.
    std::vector<int64_t> offsets;
    // (blocks, fours, kBlock, 4); 0 for values beyond the filter's rows.
    std::vector<int8_t> weights;
    std::vector<int32_t> bias;      // (blocks, kBlock)
    std::vector<float> multiplier;  // (blocks, kBlock)
  };

 private:
  Packed packed_;
};

}  // namespace frostnas::quant::simd

#endif  // FROSTNAS_QUANT_SIMD_DENSE_CONV_H_
