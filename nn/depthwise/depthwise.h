// Depthwise convolution, forward and both gradients, vectorised over channels.
//
// Any odd kernel, stride 1 or 2 fast for 3x3 and 5x5 (others go through the
// plain loop), any number of channels. Instruction set chosen at run time
// (Highway: AVX-512, AVX2, SSE4, portable). shape.c_out must equal shape.c_in.
//
//   src, diff_src (n, h, w, c)   dst, diff_dst (n, out_h, out_w, c)
//   weights (kernel, kernel, c)
//
// Deterministic for one number of compute threads: weight gradients are summed
// per thread and the partial sums added in order. Thread-compatible; uses the
// compute threads (nn/threads.h).
#ifndef FROSTNAS_NN_DEPTHWISE_DEPTHWISE_H_
#define FROSTNAS_NN_DEPTHWISE_DEPTHWISE_H_

#include "nn/kernels/conv_shape.h"

namespace frostnas::nn {

// dst is ASSIGNED.
void DepthwiseForward(const ConvShape& shape, const float* src,
                      const float* weights, float* dst);

// diff_src is ASSIGNED.
void DepthwiseBackwardData(const ConvShape& shape, const float* diff_dst,
                           const float* weights, float* diff_src);

// ADDED to diff_weights.
void DepthwiseBackwardWeights(const ConvShape& shape, const float* src,
                              const float* diff_dst, float* diff_weights);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DEPTHWISE_DEPTHWISE_H_
