// The vector kernels behind depthwise.h: one image (or some rows of it) and a
// range of channels at a time. Internal to this folder.
#ifndef FROSTNAS_NN_DEPTHWISE_KERNELS_H_
#define FROSTNAS_NN_DEPTHWISE_KERNELS_H_

#include <cstdint>

#include "nn/kernels/conv_shape.h"

namespace frostnas::nn::depthwise {

// Whether the kernels below take this shape on this processor.
bool Supported(const ConvShape& shape);

// [begin, end).
struct Range {
  int64_t begin = 0;
  int64_t end = 0;
};

struct ForwardArgs {
  const float* src;
  const float* weights;
  float* dst;
};
// Output rows, counted through all images (row = image * out_h + oh).
void ForwardRows(const ConvShape& shape, const ForwardArgs& args,
                 const Range& rows);

struct BackwardDataArgs {
  const float* diff_dst;
  const float* weights;
  float* diff_src;
};
// Rows of diff_src (row = image * h + ih).
void BackwardDataRows(const ConvShape& shape, const BackwardDataArgs& args,
                      const Range& rows);

struct BackwardWeightsArgs {
  const float* src;
  const float* diff_dst;
  float* partial;  // (kernel, kernel, c), ASSIGNED
};
// Sum over some images.
void BackwardWeightsImages(const ConvShape& shape,
                           const BackwardWeightsArgs& args,
                           const Range& images);

}  // namespace frostnas::nn::depthwise

#endif  // FROSTNAS_NN_DEPTHWISE_KERNELS_H_
