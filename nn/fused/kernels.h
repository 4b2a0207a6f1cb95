// The vector kernels behind channel_ops.h. Internal to this folder.
//
// Rows are taken in groups whose length in floats (the period) is a multiple
// of the vector length, so that vectors are always full however few channels
// there are; per-channel values come repeated to the period. What is left over
// at the end (less than a period) is done by plain loops in channel_chunks.cc.
//
// Where a pass takes Elements, src is of single precision or Float16; gradients
// and what is made are of single precision or BFloat16.
#ifndef FROSTNAS_NN_FUSED_KERNELS_H_
#define FROSTNAS_NN_FUSED_KERNELS_H_

#include <cstdint>

#include "nn/elements.h"
#include "nn/fused/epilogue.h"

namespace frostnas::nn::fused {

// Floats in the longest vector handled; periods are multiples of it.
inline constexpr int kLanes = 16;

// dst = src rounded, any count.
void Round(int64_t count, const float* src, BFloat16* dst);

// Smallest and largest of `count` >= 1 values.
struct MinMax {
  float min;
  float max;
};
MinMax FindMinMax(int64_t count, const float* src);

// The whole groups of some rows.
struct Groups {
  int64_t count = 0;
  int64_t period = 0;  // floats of a group, a multiple of kLanes
};

// Per position of the period.
struct StatsSums {
  const float* shift;  // subtracted before summing
  float* sum;          // these ADDED to,
  float* sum_squares;
  float* min;  // and these updated
  float* max;
};
// With `rounded`, src is rounded to it first and that is what is summed.
void AddStats(const Groups& groups, const float* src, Float16* rounded,
              const StatsSums& sums);

struct PeriodAffine {
  const float* scale;
  const float* shift;
};
void ApplyAffine(const Groups& groups, const PeriodAffine& affine,
                 const Epilogue& epilogue, ConstElements src, Elements dst);

// One gradient pass's operands.
struct GradientArgs {
  PeriodAffine affine;
  ConstElements src;
  ConstElements diff_dst;
};

// ADDED to sum and sum_centered. With `rounded`, diff_dst (single precision) is
// rounded to it first and that is what is summed.
struct GradientPeriodSums {
  const float* center;
  float* sum;
  float* sum_centered;
  BFloat16* rounded;
};
void AddGradient(const Groups& groups, const Epilogue& epilogue,
                 const GradientArgs& args, const GradientPeriodSums& sums);

struct PeriodCorrection {
  const float* offset;
  const float* slope;
  Elements diff_src;
};
void ApplyGradient(const Groups& groups, const Epilogue& epilogue,
                   const GradientArgs& args,
                   const PeriodCorrection& correction);

}  // namespace frostnas::nn::fused

#endif  // FROSTNAS_NN_FUSED_KERNELS_H_
