// Sizes of a convolution, dense or depthwise, NHWC.
#ifndef FROSTNAS_NN_KERNELS_CONV_SHAPE_H_
#define FROSTNAS_NN_KERNELS_CONV_SHAPE_H_

#include <cstdint>
#include <string>

#include "nn/tensor.h"

namespace frostnas::nn {

// Kernels are square and odd, padding is (kernel - 1) / 2 on all sides. For
// depthwise convolutions c_out equals c_in.
struct ConvShape {
  int n = 1, h = 1, w = 1;  // of src
  int c_in = 1, c_out = 1;
  int kernel = 1;
  int stride = 1;

  int pad() const { return (kernel - 1) / 2; }
  int out_h() const { return (h - 1) / stride + 1; }
  int out_w() const { return (w - 1) / stride + 1; }
  Shape src() const { return {n, h, w, c_in}; }
  Shape dst() const { return {n, out_h(), out_w(), c_out}; }
  int64_t src_elements() const { return src().elements(); }
  int64_t dst_elements() const { return dst().elements(); }
  // Elements of dense weights (O,H,W,I) and of depthwise ones (H,W,C).
  int64_t dense_weights() const {
    return int64_t{kernel} * kernel * c_in * c_out;
  }
  int64_t depthwise_weights() const { return int64_t{kernel} * kernel * c_in; }
  std::string ToString() const;  // "64x32x32x16 to 24, 3x3 by 2"
  friend bool operator==(const ConvShape&, const ConvShape&) = default;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_KERNELS_CONV_SHAPE_H_
