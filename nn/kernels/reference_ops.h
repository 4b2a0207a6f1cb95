// Merging, pooling, dropout, linear and softmax cross-entropy in the plainest
// form: what the modules and losses compute. Sums are kept in double precision.
//
// All results are ASSIGNED. Single-threaded; no state.
#ifndef FROSTNAS_NN_KERNELS_REFERENCE_OPS_H_
#define FROSTNAS_NN_KERNELS_REFERENCE_OPS_H_

#include <cstdint>
#include <vector>

#include "nn/tensor.h"

namespace frostnas::nn::reference {

using Values = std::vector<float>;

// Element by element; the gradient by each source is diff_dst.
Values Add(const Values& a, const Values& b);

// Channels of a (rows, a_channels), then of b (rows, b_channels).
Values Concat(const Values& a, int a_channels, const Values& b, int b_channels);
// The `count` channels from `first` of src (rows, channels): concat's gradient.
Values Slice(const Values& src, int channels, int first, int count);

// kernel x kernel windows every `stride` pixels of src.
struct Pool {
  Shape src;
  int kernel = 1;
  int stride = 1;
  Shape dst() const {
    return {src.n, (src.h - kernel) / stride + 1, (src.w - kernel) / stride + 1,
            src.c};
  }
};
// The first largest value of a window in row-major order gets its gradient.
// Global pooling is a window of the whole (square) image.
Values MaxPoolForward(const Pool& pool, const Values& src);
Values MaxPoolBackward(const Pool& pool, const Values& src,
                       const Values& diff_dst);
Values AveragePoolForward(const Pool& pool, const Values& src);
Values AveragePoolBackward(const Pool& pool, const Values& diff_dst);

// src * scale / (1 - probability) with scale 0 where `dropped`; the gradient is
// the same function of diff_dst.
Values Dropout(const Values& src, const std::vector<bool>& dropped,
               float probability);

// dst (n, c_out) = src (n, c_in) * weights (c_out, c_in)^T + bias.
struct LinearShape {
  int n = 1, c_in = 1, c_out = 1;
};
Values LinearForward(const LinearShape& shape, const Values& src,
                     const Values& weights, const Values& bias);
struct LinearGradients {
  Values diff_src;
  Values diff_weights;
  Values diff_bias;
};
LinearGradients LinearBackward(const LinearShape& shape, const Values& src,
                               const Values& weights, const Values& diff_dst);

// Mean over rows of -sum_c target * log(softmax(logits)), and its gradient
// (softmax - target) / rows.
double CrossEntropy(const Values& logits, const Values& target, int classes);
Values CrossEntropyGradient(const Values& logits, const Values& target,
                            int classes);
// (1 - smoothing) * one-hot + smoothing / classes, a row a label.
Values SmoothedTarget(const std::vector<int32_t>& labels, int classes,
                      float smoothing);

}  // namespace frostnas::nn::reference

#endif  // FROSTNAS_NN_KERNELS_REFERENCE_OPS_H_
