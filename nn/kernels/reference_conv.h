// Start here for kernels: convolutions in the plainest form.
//
// These say what the fast ones (nn/onednn, nn/depthwise) compute; tests compare
// against them. Sums are kept in double precision.
//
//   src, diff_src (n, h, w, c_in)   dst, diff_dst (n, out_h, out_w, c_out)
//   dense weights (c_out, kernel, kernel, c_in)
//   depthwise weights (kernel, kernel, c)
//
// Forward and BackwardData ASSIGN their result, BackwardWeights ADDS to it.
// Single-threaded; no state.
#ifndef FROSTNAS_NN_KERNELS_REFERENCE_CONV_H_
#define FROSTNAS_NN_KERNELS_REFERENCE_CONV_H_

#include "nn/kernels/conv_shape.h"

namespace frostnas::nn::reference {

void ConvForward(const ConvShape& shape, const float* src, const float* weights,
                 float* dst);
void ConvBackwardData(const ConvShape& shape, const float* diff_dst,
                      const float* weights, float* diff_src);
void ConvBackwardWeights(const ConvShape& shape, const float* src,
                         const float* diff_dst, float* diff_weights);

void DepthwiseForward(const ConvShape& shape, const float* src,
                      const float* weights, float* dst);
void DepthwiseBackwardData(const ConvShape& shape, const float* diff_dst,
                           const float* weights, float* diff_src);
void DepthwiseBackwardWeights(const ConvShape& shape, const float* src,
                              const float* diff_dst, float* diff_weights);

}  // namespace frostnas::nn::reference

#endif  // FROSTNAS_NN_KERNELS_REFERENCE_CONV_H_
