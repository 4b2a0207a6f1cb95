// One architecture cut out of the supernet, as a whole network: recalibrated,
// evaluated, and saved as the start of a trial.
//
// A path's batch-norm statistics mean nothing until they are estimated again
// with exactly this path (Single-Path One-Shot, arXiv 1904.00420, section 3.4):
// they are the average of the batch statistics over the calibration batches,
// with frozen weights. Activation ranges are observed anew first, so that the
// statistics are those of the fake-quantized network.
//
// Thread-compatible.
#ifndef FROSTNAS_SEARCH_SUPERNET_DERIVED_NETWORK_H_
#define FROSTNAS_SEARCH_SUPERNET_DERIVED_NETWORK_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "nn/data/dataset.h"
#include "nn/data/loader.h"
#include "nn/network.h"
#include "proto/frostnas/v1/architecture.pb.h"
#include "proto/frostnas/v1/package.pb.h"
#include "quant/qat.h"

namespace frostnas::search {

// Batches kept in memory, since every evaluation uses the same ones.
struct EvaluationData {
  std::vector<nn::Batch> calibration;  // of the training split, augmented
  std::vector<nn::Batch> validation;   // of the validation split
};

struct EvaluationOptions {
  int batch = 64;
  int calibration_batches = 8;
  int max_validation_images = 2000;
  uint64_t seed = 0;
  nn::Augmentation augmentation;  // of the calibration images
};

EvaluationData MakeEvaluationData(const nn::Dataset& dataset,
                                  const EvaluationOptions& options);

class DerivedNetwork {
 public:
  // `weights`: Supernet::Weights of the path that `architecture` is made from.
  // INVALID_ARGUMENT, NOT_FOUND: they do not belong together.
  static absl::StatusOr<std::unique_ptr<DerivedNetwork>> Create(
      const v1::Architecture& architecture, const v1::FloatNetwork& weights);

  // Observes ranges, then averages batch statistics under fake quantization
  // (without when `quantize` is false). Needs at least one batch (CHECK).
  void Recalibrate(absl::Span<const nn::Batch> batches, bool quantize);

  // Share of images whose largest logit is the label, in evaluation mode.
  double Top1(absl::Span<const nn::Batch> batches);

  // Weights, statistics and ranges, with the architecture.
  v1::FloatNetwork Save() const;

  nn::Network& network() { return *network_; }
  const quant::QatPlan& plan() const { return *plan_; }

 private:
  DerivedNetwork() = default;

  v1::Architecture architecture_;
  // Order matters: the network uses the plan's hooks.
  std::unique_ptr<quant::QatPlan> plan_;
  std::unique_ptr<nn::Network> network_;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SUPERNET_DERIVED_NETWORK_H_
