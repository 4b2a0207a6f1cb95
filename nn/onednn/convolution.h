// Dense k x k convolution by oneDNN, NHWC.
//
//   src, diff_src (n, h, w, c_in)   dst, diff_dst (n, out_h, out_w, c_out)
//   weights (c_out, kernel, kernel, c_in)
//
// Primitives are made once a shape and kept; weights are reordered to the
// layout oneDNN asks for at each call, since training changes them between
// calls. Deterministic for one number of compute threads. Thread-compatible.
#ifndef FROSTNAS_NN_ONEDNN_CONVOLUTION_H_
#define FROSTNAS_NN_ONEDNN_CONVOLUTION_H_

#include <memory>

#include "nn/kernels/conv_shape.h"

namespace frostnas::nn {

class OnednnConvolution {
 public:
  explicit OnednnConvolution(const ConvShape& shape);
  ~OnednnConvolution();

  const ConvShape& shape() const { return shape_; }

  // dst is ASSIGNED.
  void Forward(const float* src, const float* weights, float* dst);
  // diff_src is ASSIGNED.
  void BackwardData(const float* diff_dst, const float* weights,
                    float* diff_src);
  // ADDED to diff_weights.
  void BackwardWeights(const float* src, const float* diff_dst,
                       float* diff_weights);

 private:
  struct Impl;
  ConvShape shape_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_ONEDNN_CONVOLUTION_H_
