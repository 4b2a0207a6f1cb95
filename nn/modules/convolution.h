// A convolution's arithmetic behind one face: dense k x k, 1 x 1, depthwise.
//
// Weights: dense (c_out, kernel, kernel, c_in), depthwise (kernel, kernel, c).
// The two operands of a product (src, weights, diff_dst) have one type; results
// are of single precision.
#ifndef FROSTNAS_NN_MODULES_CONVOLUTION_H_
#define FROSTNAS_NN_MODULES_CONVOLUTION_H_

#include <memory>

#include "nn/elements.h"
#include "nn/kernels/conv_shape.h"

namespace frostnas::nn {

class Convolution {
 public:
  virtual ~Convolution() = default;

  // True: the functions below take any items of a batch, compute on the calling
  // thread and may be called by several threads at once. False: they take whole
  // batches, use the compute threads and are thread-compatible.
  virtual bool by_items() const = 0;

  // The type of operands that is multiplied faster, forward and backward.
  // kBfloat16: single precision may be given as well.
  virtual DataType forward_type() const { return DataType::kFloat32; }
  virtual DataType backward_type() const { return DataType::kFloat32; }

  // `shape` with its independent items along n: images, or the pixels of a
  // 1 x 1 convolution.
  virtual ConvShape Items(const ConvShape& shape) const { return shape; }

  // `shape` may differ between calls in n, h and w. dst is ASSIGNED.
  virtual void Forward(const ConvShape& shape, ConstElements src,
                       ConstElements weights, float* dst) = 0;
  // diff_src is ASSIGNED.
  virtual void BackwardData(const ConvShape& shape, ConstElements diff_dst,
                            ConstElements weights, float* diff_src) = 0;
  // ADDED to diff_weights.
  virtual void BackwardWeights(const ConvShape& shape, ConstElements src,
                               ConstElements diff_dst, float* diff_weights) = 0;
};

// By items where the convolution is 1 x 1 of stride 1, else oneDNN's. Of the
// shape: channels, kernel and stride.
std::unique_ptr<Convolution> MakeDenseConvolution(const ConvShape& shape);
// By items.
std::unique_ptr<Convolution> MakeDepthwiseConvolution();

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_MODULES_CONVOLUTION_H_
