// The vector kernels behind depthwise.h: one image (or some rows of it) and a
// range of channels at a time. Internal to this folder.
#ifndef FROSTNAS_NN_DEPTHWISE_KERNELS_H_
#define FROSTNAS_NN_DEPTHWISE_KERNELS_H_

#include <cstdint>

#include "nn/kernels/conv_shape.h"

namespace frostnas::nn::depthwise {

// Whether the kernels below take this shape on this processor.
bool Supported(const ConvShape& shape);

// Output rows [row_begin, row_end) of all images, counted through
// (row = image * out_h + oh).
void ForwardRows(const ConvShape& shape, const float* src, const float* weights,
                 float* dst, int64_t row_begin, int64_t row_end);

// Rows of diff_src (row = image * h + ih).
void BackwardDataRows(const ConvShape& shape, const float* diff_dst,
                      const float* weights, float* diff_src, int64_t row_begin,
                      int64_t row_end);

// Sum over images [image_begin, image_end), ASSIGNED to partial
// (kernel, kernel, c).
void BackwardWeightsImages(const ConvShape& shape, const float* src,
                           const float* diff_dst, float* partial,
                           int64_t image_begin, int64_t image_end);

}  // namespace frostnas::nn::depthwise

#endif  // FROSTNAS_NN_DEPTHWISE_KERNELS_H_
