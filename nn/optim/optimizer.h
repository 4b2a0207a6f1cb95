// Optimizers with GradBoost.
//
// State is kept by Parameter pointer, so it carries over when the network
// around the parameters changes from float to quantization-aware (StatAssist,
// methods.md 1.5). GradBoost (methods.md 1.6) keeps a range of |gradient| per
// element from the start and, once boosting is on, adds clipped Laplace noise
// in the gradient's direction.
//
// Deterministic for one seed (kMuon: and number of compute threads).
// Thread-compatible.
#ifndef FROSTNAS_NN_OPTIM_OPTIMIZER_H_
#define FROSTNAS_NN_OPTIM_OPTIMIZER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nn/parameter.h"

namespace frostnas::nn {

class NoiseSource;  // nn/optim/grad_boost.h

// kMuon moves the weights of dense convolutions, as matrices (c_out, the rest),
// by their orthogonalized momentum (orthogonalize.h) and everything else as
// kAdamW does.
enum class OptimizerKind { kSgd, kRmsprop, kAdam, kAdamW, kMuon };

// The released code's arithmetic with its defects, or the intended one.
enum class GradBoostMode { kOff, kRepoExact, kCorrected };

struct GradBoostOptions {
  GradBoostMode mode = GradBoostMode::kOff;
  double clip_by = 1e-3;      // 0: no clipping
  double noise_decay = 1e-2;  // per boosted step
  bool toss_coin = true;
};

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kSgd;
  double momentum = 0.9;  // SGD, RMSprop
  double dampening = 0;   // must be 0 with nesterov
  bool nesterov = true;   // SGD; without momentum it changes nothing
  double rms_alpha = 0.9;
  double beta1 = 0.9, beta2 = 0.999;  // Adam, AdamW
  double muon_momentum = 0.95;        // Nesterov's
  bool amsgrad = false;
  double epsilon = 1e-8;
  // Of kWeight; kQuantizer gets 0, kBias and kNorm 0.01 times this.
  double weight_decay = 0;
  // Of kDepthwiseWeight (Sheng et al., arXiv 1803.08607: small weights suit one
  // scale a tensor).
  double depthwise_weight_decay = 0;
  GradBoostOptions grad_boost = {};
  uint64_t seed = 0;  // of GradBoost's draws
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // INVALID_ARGUMENT: an option out of range, naming it. Parameters are not
  // owned and must outlive the optimizer.
  static absl::StatusOr<std::unique_ptr<Optimizer>> Create(
      const OptimizerOptions& options, std::vector<Parameter*> parameters);

  // The same with GradBoost's draws from `noise` instead of the seed.
  static absl::StatusOr<std::unique_ptr<Optimizer>> CreateWithNoise(
      const OptimizerOptions& options, std::vector<Parameter*> parameters,
      std::unique_ptr<const NoiseSource> noise);

  // One update with the gradients as they are; they are not cleared.
  virtual void Step(double learning_rate) = 0;

  // As Step, for these of the parameters only (a sampled path); the others'
  // value and state stay.
  virtual void StepSome(double learning_rate,
                        const std::vector<Parameter*>& parameters) = 0;

  // GradBoost adds noise from now on (after the float warm-up).
  virtual void StartBoosting() = 0;

  // Everything needed to continue bit for bit, and back. INVALID_ARGUMENT: not
  // a state of an optimizer with these parameters and options.
  virtual std::string SaveState() const = 0;
  virtual absl::Status LoadState(const std::string& state) = 0;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_OPTIM_OPTIMIZER_H_
