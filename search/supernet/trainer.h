// Trains a supernet: float warm-up, then weights and architecture parameters
// in turn under fake quantization.
//
//   ASSIGN_OR_RETURN(auto trainer, SupernetTrainer::Create(...));
//   while (!trainer->done()) {
//     ASSIGN_OR_RETURN(v1::SearchEpoch epoch, trainer->RunEpoch(stop));
//     store(trainer->SaveState());
//   }
//
// Each step draws one path, trains it and updates the shared weights it has a
// part of. Paths come from the architecture's distribution, from the uniform
// one and, now and then, the dearest path is taken: the front needs good
// weights for cheap and dear networks alike, and what the dearest learns its
// parts inherit (the "sandwich" of BigNAS, arXiv 2003.11142, one path a step).
//
// In the float epochs observers watch and GradBoost keeps its ranges
// (StatAssist, arXiv 2006.09679); then fake quantization and GradBoost's noise
// begin with the optimizer's moments as they are. Every `arch_every`-th step of
// a search epoch a batch of the architecture split moves the logits.
//
// Random draws depend on the seed, the epoch and the step only, so a trainer
// restored after an epoch goes on bit for bit, for one thread count.
// Thread-compatible.
#ifndef FROSTNAS_SEARCH_SUPERNET_TRAINER_H_
#define FROSTNAS_SEARCH_SUPERNET_TRAINER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "arch/space.h"
#include "base/clock.h"
#include "base/random.h"
#include "latency/expected_latency.h"
#include "nn/data/dataset.h"
#include "nn/data/loader.h"
#include "nn/optim/optimizer.h"
#include "nn/optim/schedule.h"
#include "proto/frostnas/v1/study_service.pb.h"
#include "search/supernet/architecture_parameters.h"
#include "search/supernet/architecture_step.h"
#include "search/supernet/derived_network.h"
#include "search/supernet/supernet.h"

namespace frostnas::search {

struct TrainerOptions {
  int float_epochs = 1;
  int search_epochs = 1;
  int batch = 64;
  // Of Muon: peak, after an epoch's warm-up; then cosine to 0. On CIFAR-10 the
  // loss of `quick` after four epochs was 1.65 where AdamW's was 1.8; SGD with
  // momentum stays far behind, as paths differ too much in scale for one rate.
  double learning_rate = 0.02;
  double weight_decay = 0.2;
  float label_smoothing = 0.1f;
  // Shares of the steps that train a uniformly drawn and the dearest path.
  double uniform_share = 0.5;
  double dearest_share = 0.15;
  bool grad_boost = true;
  // Steps of weights to one of the architecture.
  int arch_every = 5;
  // False: logits stay where they are (random search, evolution).
  bool architecture_steps = true;
  ArchitectureStepOptions architecture;
  // Gumbel temperature of the first and the last search epoch.
  double first_temperature = 3;
  double last_temperature = 0.5;
  // What expected latency is driven to, nanoseconds, and how fast.
  double limit_ns = 0;
  double multiplier_rate = 0.02;
  EvaluationOptions evaluation;
  uint64_t seed = 0;
};

// What a trainer works on; all must outlive it.
struct TrainerInputs {
  const arch::SearchSpace& space;
  const nn::Dataset& dataset;
  const latency::ExpectedLatency& latency;
  Clock& clock;
};

class SupernetTrainer {
 public:
  // INVALID_ARGUMENT: an option, or a split smaller than a batch.
  // FAILED_PRECONDITION: limit_ns is under the space's cheapest network.
  static absl::StatusOr<std::unique_ptr<SupernetTrainer>> Create(
      const TrainerInputs& inputs, const TrainerOptions& options);

  int epochs_done() const { return epochs_done_; }
  int epochs() const { return options_.float_epochs + options_.search_epochs; }
  bool done() const { return epochs_done_ >= epochs(); }

  // Asked between batches with the share of the epoch that is done; an error
  // ends the epoch, and the trainer is then good for LoadState only.
  using BetweenBatches = std::function<absl::Status(double epoch_share)>;

  // The next epoch, which must not be the one after the last (CHECK).
  absl::StatusOr<v1::SearchEpoch> RunEpoch(const BetweenBatches& between);

  // After RunEpoch, and back. INVALID_ARGUMENT: bytes that are not a state of
  // a trainer with the same inputs and options.
  std::string SaveState();
  absl::Status LoadState(const std::string& state);

  // Architecture logits for another limit: some steps of the logits alone, on
  // the architecture split, starting from `from`. Weights stay. `index` tells
  // the draws of several limits apart.
  absl::StatusOr<latency::SlotValues> LogitsForLimit(
      const latency::SlotValues& from, double limit_ns, int steps,
      uint64_t index);

  // The path's whole network with inherited weights, recalibrated.
  absl::StatusOr<std::unique_ptr<DerivedNetwork>> Derive(const Path& path);
  // Its accuracy on the validation split, fake-quantized once the search
  // epochs have begun.
  absl::StatusOr<double> Top1(const Path& path);

  Supernet& supernet() { return *supernet_; }
  const ArchitectureParameters& architecture() const { return *architecture_; }
  const EvaluationData& evaluation() const { return evaluation_; }
  const TrainerInputs& inputs() const { return inputs_; }

 private:
  struct Sums;

  SupernetTrainer(const TrainerInputs& inputs, const TrainerOptions& options);
  absl::Status Prepare();
  bool searching() const { return epochs_done_ >= options_.float_epochs; }
  void StartSearching();
  double RatioOfSearch() const;
  ArchitectureStepOptions StepOptions() const;
  Path DrawPath(Random& random) const;
  void TrainStep(const nn::Batch& batch, int step, Sums& sums);
  void ArchitectureStep(int step, Sums& sums);
  const nn::Batch& NextArchitectureBatch();
  absl::StatusOr<v1::SearchEpoch> Report(const Sums& sums);
  double SkipShare() const;
  std::string SettingsDigest() const;

  const TrainerInputs inputs_;
  const TrainerOptions options_;
  const Random root_;
  std::unique_ptr<Supernet> supernet_;
  std::unique_ptr<nn::Optimizer> optimizer_;
  std::unique_ptr<ArchitectureParameters> architecture_;
  std::unique_ptr<LatencyPressure> pressure_;
  std::unique_ptr<nn::Loader> train_loader_;
  std::unique_ptr<nn::Loader> arch_loader_;
  nn::Schedule schedule_;
  EvaluationData evaluation_;
  Path dearest_;
  int epochs_done_ = 0;
  int64_t arch_pass_ = 0;
};

// FAILED_PRECONDITION with the cheapest latency and the remedy when no
// architecture meets the limit.
absl::Status CheckLimit(const latency::ExpectedLatency& latency,
                        double limit_ns);

// The most probable candidate of every slot.
Path MostProbablePath(const latency::SlotValues& probabilities);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SUPERNET_TRAINER_H_
