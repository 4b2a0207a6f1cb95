// The loop in which trained quantizers are trained.
//
// Epochs are grouped in cycles: each starts with a fresh optimizer, and its
// rate falls from the peak to zero by a cosine.
//
// CANCELLED: a stop was requested. FAILED_PRECONDITION: the loss is not finite
// any more. INVALID_ARGUMENT: an option, or no batch in an epoch.
//
// Deterministic for one seed of the loader and number of compute threads.
#ifndef FROSTNAS_QUANT_METHODS_LEARNED_TUNING_H_
#define FROSTNAS_QUANT_METHODS_LEARNED_TUNING_H_

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "base/stop.h"
#include "nn/data/loader.h"
#include "nn/optim/optimizer.h"
#include "quant/methods/learned/learned_network.h"

namespace frostnas::quant {

// The loss of a batch's logits; `diff_logits` is ASSIGNED.
using BatchLoss = std::function<double(
    const nn::Batch& batch, const nn::Tensor& logits, nn::Tensor& diff_logits)>;

// Not owned.
struct Tuning {
  LearnedNetwork& network;
  nn::Loader& loader;
  std::vector<nn::Parameter*> parameters;  // that are trained
  BatchLoss loss;
};

struct TuningOptions {
  nn::OptimizerOptions optimizer;
  double learning_rate = 1e-3;  // peak
  int epochs = 1;
  int epochs_in_cycle = 1;
  StopToken stop;
  // After each step, with the share of all steps done and the mean loss of the
  // epoch so far. May be null.
  std::function<void(double done, double loss)> on_step;
};

// Mean loss of each epoch.
absl::StatusOr<std::vector<double>> Tune(const Tuning& tuning,
                                         const TuningOptions& options);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_LEARNED_TUNING_H_
