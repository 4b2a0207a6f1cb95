// GradBoost: noise in the gradient's direction, scaled by the range that each
// element's gradient has covered (arXiv 2006.09679; methods.md 1.6).
//
// Per element, with beta b, on its step t (from 1) and bias bc(t) = 1 - b^t:
//
//   kRepoExact   low  = (b low  + (1-b) min(low, |g|)) / bc(t)    from 0
//                high = (b high + (1-b) max(high, |g|)) / bc(t)   from 0
//                range = high - low
//   kCorrected   low  = b low  + (1-b) min(low / bc(t-1), |g|)    first: |g|
//                high = b high + (1-b) max(high / bc(t-1), |g|)
//                range = (high - low) / bc(t)
//
// and once boosting is on, on the element's boosted step n (from 1):
//
//   g += sign(g) min(|Laplace(0, 1)| coin (1 - noise_decay)^n range, clip_by)
//
// The released form divides what it stores by the bias, so `low` stays 0 and
// `high` grows by prod 1 / bc(t) = 7.8e5 and never falls: the noise sits at
// clip_by for about its first thousand steps. The corrected form divides only
// what it reads.
//
// Thread-compatible.
#ifndef FROSTNAS_NN_OPTIM_GRAD_BOOST_H_
#define FROSTNAS_NN_OPTIM_GRAD_BOOST_H_

#include <cstdint>
#include <memory>

#include "absl/types/span.h"
#include "nn/optim/kernels.h"
#include "nn/optim/optimizer.h"

namespace frostnas::nn {

// Which noise is asked for: of one parameter at one of its boosted steps.
struct NoiseKey {
  uint64_t parameter = 0;  // index in the optimizer's list
  uint64_t step = 0;       // boosted steps of this parameter, from 1
  bool toss_coin = true;   // half of the elements get 0
};

// Where the noise comes from.
class NoiseSource {
 public:
  virtual ~NoiseSource() = default;

  // |Laplace(0, 1)| times the coin for elements offset, offset + 1, ... of the
  // key's parameter. A function of its arguments only, so that an update may be
  // cut into blocks, or continued from a saved state, without changing it.
  virtual void Fill(const NoiseKey& key, uint64_t offset,
                    absl::Span<float> noise) const = 0;

  // Counter-based; independent for each seed, parameter and step.
  static std::unique_ptr<NoiseSource> Create(uint64_t seed);
};

// The kernel's constants for a parameter's step `step` (from 1). `boosted` is
// its boosted step, 0 while boosting is off.
BoostConstants BoostConstantsFor(const GradBoostOptions& options, double beta,
                                 int64_t step, int64_t boosted);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_OPTIM_GRAD_BOOST_H_
