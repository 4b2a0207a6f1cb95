// Depthwise convolution, 3x3 and 5x5, by sums of four 8-bit products, which a
// processor with VNNI makes in one instruction: four rows of the input are
// interleaved once and serve every column of the filter and two output rows.
//
// Bit for bit equal to ConvReference on every instruction set; fast with VNNI
// only (HasVnni of elementwise.h), so that the executor takes it there.
// Thread-compatible; Run may be called from several threads for different
// parts.
#ifndef FROSTNAS_QUANT_SIMD_DEPTHWISE_CONV_H_
#define FROSTNAS_QUANT_SIMD_DEPTHWISE_CONV_H_

#include <cstdint>
#include <vector>

#include "quant/layer_params.h"
#include "quant/simd/blocks.h"

namespace frostnas::quant::simd {

class DepthwiseConv {
 public:
  // Kernel 3 or 5, stride 1 or 2, "same" padding at most.
  static bool Supports(const ConvGeometry& geometry);
  // Needs Supports(); packs the weights. `params` is copied but for its spans,
  // which are not used afterwards.
  explicit DepthwiseConv(const ConvParams& params);

  // Parts a batch of `n` images is made of: row groups, over (n, y).
  int64_t Parts(int64_t n) const;
  // Parts [begin, end). src and dst are whole tensors; up to kSlackBytes
  // behind src's last value are read (their values do not matter).
  void Run(const uint8_t* src, int64_t begin, int64_t end, uint8_t* dst) const;

  // For the kernels.
  struct Packed {
    ConvGeometry geometry;
    Requantization to;
    int src_zero_point = 0;
    // Output rows of a group.
    int rows = 1;
    // Fours of input rows that a group reads.
    int quads = 1;
    // SaturatesOnly of quant/layer_params.h.
    bool saturates = false;
    // (blocks, rows, kernel, quads, kBlock, 4): the weights of four input rows
    // at one column of the filter; 0 for rows that the filter does not reach.
    std::vector<int8_t> weights;
    std::vector<int32_t> bias;      // (blocks, kBlock)
    std::vector<float> multiplier;  // (blocks, kBlock)
    // A row of padding.
    std::vector<uint8_t> padding;
  };

 private:
  Packed packed_;
};

}  // namespace frostnas::quant::simd

#endif  // FROSTNAS_QUANT_SIMD_DEPTHWISE_CONV_H_
