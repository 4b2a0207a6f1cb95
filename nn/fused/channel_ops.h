// Passes over (rows, channels) data that do several per-channel steps at once:
// batch statistics, normalise + activation + fake quantization, and their
// backward. Each reads and writes its tensors once. Whole tensors, on all
// compute threads; parts of them: channel_chunks.h.
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

#include "nn/elements.h"
#include "nn/fused/channel_chunks.h"
#include "nn/fused/epilogue.h"

namespace frostnas::nn {

// The (rows, channels) form of a tensor.
struct Rows {
  int64_t rows = 0;
  int channels = 0;
  int64_t elements() const { return rows * channels; }
};

// rows >= 1.
void ComputeChannelStats(const Rows& size, const float* src,
                         ChannelStats& stats);

// Smallest and largest value of `count` >= 1.
struct ValueRange {
  float min = 0;
  float max = 0;
};
ValueRange RangeOf(int64_t count, const float* src);

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
  ConstElements src;
  const float* diff_dst;
};

// ASSIGNED.
void ReduceGradient(const GradientPass& pass, const std::vector<float>& center,
                    GradientSums& sums);

// diff_src = scale[c] * g - (offset[c] + slope[c] * src), ASSIGNED; diff_src
// may be diff_dst.
void ApplyGradient(const GradientPass& pass,
                   const GradientCorrection& correction, float* diff_src);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_FUSED_CHANNEL_OPS_H_
