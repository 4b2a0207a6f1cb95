// Passes over (rows, channels) data that do several per-channel steps at once:
// batch statistics, normalise + activation + fake quantization, and their
// backward. Each reads and writes its tensors once.
//
// `rows` is n * h * w of an NHWC tensor. Vectors of per-channel values have
// `channels` elements. Every pass has a plain twin in kernels/reference_norm.h.
//
// Deterministic for one number of compute threads. Thread-compatible; uses the
// compute threads (nn/threads.h).
#ifndef FROSTNAS_NN_FUSED_CHANNEL_OPS_H_
#define FROSTNAS_NN_FUSED_CHANNEL_OPS_H_

#include <cstdint>
#include <vector>

#include "nn/fused/epilogue.h"

namespace frostnas::nn {

// The (rows, channels) form of a tensor.
struct Rows {
  int64_t rows = 0;
  int channels = 0;
  int64_t elements() const { return rows * channels; }
};

struct ChannelStats {
  std::vector<double> mean;
  std::vector<double> variance;  // divided by rows, not rows - 1
  std::vector<float> min;
  std::vector<float> max;
};

// One pass; sums are shifted by the first row and combined in double precision
// every few hundred rows, so a large mean costs no accuracy. rows >= 1.
void ComputeChannelStats(const Rows& size, const float* src,
                         ChannelStats& stats);

// v = scale[c] * x + shift[c].
struct ChannelAffine {
  std::vector<float> scale;
  std::vector<float> shift;
};

// dst = epilogue(affine(src)); dst may be src.
void ApplyAffine(const Rows& size, const ChannelAffine& affine,
                 const Epilogue& epilogue, const float* src, float* dst);

// What a backward pass reads. The gradient past the epilogue is
//   g = diff_dst where the epilogue passes affine(src), else 0.
// Not owned.
struct GradientPass {
  Rows size;
  const ChannelAffine& affine;
  const Epilogue& epilogue;
  const float* src;
  const float* diff_dst;
};

// sum[c] = sum of g, sum_centered[c] = sum of g * (src - center[c]). ASSIGNED.
struct GradientSums {
  std::vector<double> sum;
  std::vector<double> sum_centered;
};
void ReduceGradient(const GradientPass& pass, const std::vector<float>& center,
                    GradientSums& sums);

// diff_src = scale[c] * g - (offset[c] + slope[c] * src), ASSIGNED; diff_src
// may be diff_dst. Batch norm's backward with offset and slope from
// GradientSums; without batch norm both are 0.
struct GradientCorrection {
  std::vector<float> offset;
  std::vector<float> slope;
};
void ApplyGradient(const GradientPass& pass,
                   const GradientCorrection& correction, float* diff_src);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_FUSED_CHANNEL_OPS_H_
