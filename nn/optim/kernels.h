// The optimizers' arithmetic over a run of elements, one pass each, on the
// widest vectors this processor has.
//
// All pointers of one call address `count` elements of the same run; outputs
// may be the gradient's own memory, otherwise nothing overlaps. Results do not
// depend on where a tensor is cut into runs. Thread-safe on disjoint runs.
#ifndef FROSTNAS_NN_OPTIM_KERNELS_H_
#define FROSTNAS_NN_OPTIM_KERNELS_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"

namespace frostnas::nn {

// One run of a parameter: value and its optimizer state are updated in place.
// State that an update does not use is null.
struct UpdateRun {
  size_t count = 0;
  const float* grad = nullptr;
  float* value = nullptr;
  float* momentum = nullptr;    // SGD and RMSprop velocity, Adam first moment
  float* square = nullptr;      // RMSprop and Adam second moment
  float* square_max = nullptr;  // amsgrad
};

// g += decay p; v = first ? g : momentum v + keep g;
// p -= rate (nesterov ? g + momentum v : v). A null velocity: p -= rate g.
struct SgdConstants {
  float rate = 0;
  float decay = 0;
  float momentum = 0;
  float keep = 1;  // 1 - dampening
  bool nesterov = false;
  bool first = false;
};
void SgdUpdate(const SgdConstants& constants, const UpdateRun& run);

// g += decay p; s = alpha s + (1 - alpha) g^2;
// v = momentum v + g / (sqrt(s) + epsilon); p -= rate v.
struct RmspropConstants {
  float rate = 0;
  float decay = 0;
  float momentum = 0;
  float alpha = 0;
  float epsilon = 0;
};
void RmspropUpdate(const RmspropConstants& constants, const UpdateRun& run);

// m = beta1 m + (1 - beta1) g; s = beta2 s + (1 - beta2) g^2;
// with square_max: x = max(x, s), used instead of s;
// p = shrink p - rate m / (sqrt(s) square_scale + epsilon).
struct AdamConstants {
  float rate = 0;    // learning rate / (1 - beta1^t)
  float shrink = 1;  // AdamW: 1 - learning rate * decay
  float beta1 = 0;
  float beta2 = 0;
  float square_scale = 1;  // 1 / sqrt(1 - beta2^t)
  float epsilon = 0;
};
void AdamUpdate(const AdamConstants& constants, const UpdateRun& run);

// sum = grad + decay value.
void AddDecay(float decay, const UpdateRun& run, float* sum);

// Range statistics of |gradient| and the noise drawn from them; the formulas
// are in nn/optim/grad_boost.h.
struct BoostConstants {
  float beta = 0;
  bool fresh_low = false;   // low starts from this |g|
  float compare_scale = 1;  // of low and high where |g| is compared to them
  float store_scale = 1;    // of what is stored
  float range_scale = 1;    // of high - low
  float clip = 0;           // largest |noise|; 0: none
};
struct BoostRun {
  size_t count = 0;
  const float* grad = nullptr;
  float* low = nullptr;
  float* high = nullptr;
  const float* noise = nullptr;  // >= 0; null: statistics only
  float* boosted = nullptr;      // untouched when there is no noise
};
void Boost(const BoostConstants& constants, const BoostRun& run);

// noise[i] = |Laplace(0, 1)| (0 for half of them where the coin is tossed), a
// function of key and start + i (mod 2^32).
struct NoiseCounter {
  uint32_t start = 0;
  uint32_t key = 0;
  bool toss_coin = true;
};
void FillLaplaceMagnitude(const NoiseCounter& counter, absl::Span<float> noise);

// average += (value - average) * share.
void MoveTowards(float share, absl::Span<const float> value,
                 absl::Span<float> average);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_OPTIM_KERNELS_H_
