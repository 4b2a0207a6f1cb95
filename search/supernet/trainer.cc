#include "search/supernet/trainer.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "nn/loss.h"
#include "nn/precision.h"
#include "proto/frostnas/v1/checkpoint.pb.h"

namespace frostnas::search {
namespace {

constexpr uint32_t kFormatVersion = 1;
// Architecture batches of an epoch and of a limit's steps must not repeat.
constexpr int64_t kPassesPerEpoch = 1 << 10;
constexpr double kLimitLearningRate = 0.1;
constexpr double kLimitMultiplierRate = 0.5;

absl::Status CheckOptions(const TrainerInputs& inputs,
                          const TrainerOptions& options) {
  if (options.float_epochs < 0 || options.search_epochs < 0 ||
      options.batch < 1 || options.arch_every < 1) {
    return absl::InvalidArgumentError(
        "budget: epochs must not be negative, batch must be positive");
  }
  const int smallest =
      std::min(inputs.dataset.train.count(), inputs.dataset.arch.count());
  if (smallest < options.batch || inputs.dataset.val.count() < 1) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "budget.batch %d is larger than a split of the data set (train %d, "
        "architecture %d, validation %d images): use more images or a smaller "
        "batch",
        options.batch, inputs.dataset.train.count(),
        inputs.dataset.arch.count(), inputs.dataset.val.count()));
  }
  return CheckLimit(inputs.latency, options.limit_ns);
}

nn::OptimizerOptions WeightOptimizer(const TrainerOptions& options) {
  nn::OptimizerOptions made;
  made.kind = nn::OptimizerKind::kMuon;
  made.weight_decay = options.weight_decay;
  made.grad_boost.mode = options.grad_boost ? nn::GradBoostMode::kCorrected
                                            : nn::GradBoostMode::kOff;
  made.seed = Random(options.seed).Split("grad_boost").NextUint64();
  return made;
}

Path DearestPath(const latency::ExpectedLatency& latency) {
  return MostProbablePath(latency.candidates_ns());
}

}  // namespace

// What an epoch adds up for its report.
struct SupernetTrainer::Sums {
  double loss = 0;
  int steps = 0;
  double arch_loss = 0;
  int arch_steps = 0;
  absl::Duration started;
};

absl::Status CheckLimit(const latency::ExpectedLatency& latency,
                        double limit_ns) {
  if (limit_ns >= latency.MinNs()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrFormat(
      "latency limit %.3f ms is below the cheapest architecture of the space, "
      "%.3f ms: raise the limit, or use a smaller width or input size",
      limit_ns / 1e6, latency.MinNs() / 1e6));
}

Path MostProbablePath(const latency::SlotValues& probabilities) {
  Path path;
  for (const std::vector<double>& row : probabilities) {
    path.push_back(static_cast<int>(std::max_element(row.begin(), row.end()) -
                                    row.begin()));
  }
  return path;
}

SupernetTrainer::SupernetTrainer(const TrainerInputs& inputs,
                                 const TrainerOptions& options)
    : inputs_(inputs), options_(options), root_(options.seed) {}

absl::StatusOr<std::unique_ptr<SupernetTrainer>> SupernetTrainer::Create(
    const TrainerInputs& inputs, const TrainerOptions& options) {
  RETURN_IF_ERROR(CheckOptions(inputs, options));
  std::unique_ptr<SupernetTrainer> trainer(
      new SupernetTrainer(inputs, options));
  RETURN_IF_ERROR(trainer->Prepare());
  return trainer;
}

absl::Status SupernetTrainer::Prepare() {
  ASSIGN_OR_RETURN(
      supernet_,
      Supernet::Create(inputs_.space, {.seed = options_.seed,
                                       .precision = nn::Precision::kMixed}));
  ASSIGN_OR_RETURN(optimizer_, nn::Optimizer::Create(WeightOptimizer(options_),
                                                     supernet_->parameters()));
  std::vector<int> candidates;
  for (int s = 0; s < supernet_->num_slots(); ++s) {
    candidates.push_back(supernet_->slot(s).num_candidates());
  }
  ASSIGN_OR_RETURN(architecture_, ArchitectureParameters::Create(
                                      candidates, root_.Split("alpha")));
  pressure_ = std::make_unique<LatencyPressure>(
      inputs_.latency, options_.limit_ns, options_.multiplier_rate);
  const nn::Dataset& dataset = inputs_.dataset;
  nn::LoaderOptions loading;
  loading.batch = options_.batch;
  loading.augmentation = nn::StandardAugmentation(dataset.info, epochs());
  loading.seed = root_.Split("train").NextUint64();
  train_loader_ =
      std::make_unique<nn::Loader>(dataset.train, dataset.info, loading);
  loading.seed = root_.Split("arch").NextUint64();
  arch_loader_ =
      std::make_unique<nn::Loader>(dataset.arch, dataset.info, loading);
  schedule_.kind = nn::ScheduleKind::kCosine;
  schedule_.base_rate = options_.learning_rate;
  schedule_.total_steps =
      std::max<int64_t>(1, int64_t{train_loader_->batches()} * epochs());
  schedule_.warmup_steps =
      std::min<int64_t>(train_loader_->batches(), schedule_.total_steps / 2);
  EvaluationOptions evaluation = options_.evaluation;
  evaluation.augmentation = loading.augmentation;
  evaluation_ = MakeEvaluationData(dataset, evaluation);
  dearest_ = DearestPath(inputs_.latency);
  supernet_->SetPhase(quant::QatPhase::kObserving);
  return absl::OkStatus();
}

// Every candidate must have seen activations before it is quantized.
void SupernetTrainer::StartSearching() {
  int most = 0;
  for (int s = 0; s < supernet_->num_slots(); ++s) {
    most = std::max(most, supernet_->slot(s).num_candidates());
  }
  for (int k = 0; k < most; ++k) {
    Path path;
    for (int s = 0; s < supernet_->num_slots(); ++s) {
      path.push_back(k % supernet_->slot(s).num_candidates());
    }
    supernet_->Forward(path, evaluation_.calibration.front().images,
                       nn::Mode::kTrain);
  }
  supernet_->SetPhase(quant::QatPhase::kQuantizing);
  optimizer_->StartBoosting();
}

absl::StatusOr<v1::SearchEpoch> SupernetTrainer::RunEpoch(
    const BetweenBatches& between) {
  CHECK(!done());
  Sums sums;
  sums.started = inputs_.clock.Monotonic();
  if (epochs_done_ == options_.float_epochs) StartSearching();
  train_loader_->StartEpoch(epochs_done_);
  arch_pass_ = epochs_done_ * kPassesPerEpoch;
  arch_loader_->StartEpoch(static_cast<int>(arch_pass_));
  const int batches = train_loader_->batches();
  int step = 0;
  while (const nn::Batch* batch = train_loader_->Next()) {
    RETURN_IF_ERROR(between(static_cast<double>(step) / batches));
    TrainStep(*batch, step, sums);
    if (searching() && options_.architecture_steps &&
        (step + 1) % options_.arch_every == 0) {
      ArchitectureStep(step, sums);
    }
    ++step;
  }
  ASSIGN_OR_RETURN(v1::SearchEpoch report, Report(sums));
  ++epochs_done_;
  return report;
}

Path SupernetTrainer::DrawPath(Random& random) const {
  const double kind = random.Uniform();
  if (kind < options_.dearest_share) return dearest_;
  const bool uniform = kind < options_.dearest_share + options_.uniform_share;
  Path path;
  for (const std::vector<double>& p : architecture_->Probabilities()) {
    path.push_back(uniform ? static_cast<int>(random.UniformInt(p.size()))
                           : SampleIndex(p, random));
  }
  return path;
}

void SupernetTrainer::TrainStep(const nn::Batch& batch, int step, Sums& sums) {
  Random random = root_.Split("path").Split(epochs_done_).Split(step);
  const Path path = DrawPath(random);
  const nn::Tensor& logits =
      supernet_->Forward(path, batch.images, nn::Mode::kTrain);
  nn::Tensor diff_logits;
  const nn::LossResult loss = nn::SoftmaxCrossEntropy(
      logits, batch.labels, options_.label_smoothing, &diff_logits);
  supernet_->Backward(path, diff_logits);
  const std::vector<nn::Parameter*> touched = supernet_->ParametersOf(path);
  const int64_t done = int64_t{epochs_done_} * train_loader_->batches() + step;
  optimizer_->StepSome(nn::LearningRate(schedule_, done), touched);
  for (nn::Parameter* parameter : touched) parameter->ZeroGrad();
  sums.loss += loss.loss;
  ++sums.steps;
}

const nn::Batch& SupernetTrainer::NextArchitectureBatch() {
  const nn::Batch* batch = arch_loader_->Next();
  if (batch == nullptr) {
    arch_loader_->StartEpoch(static_cast<int>(++arch_pass_));
    batch = arch_loader_->Next();
  }
  CHECK(batch != nullptr);
  return *batch;
}

double SupernetTrainer::RatioOfSearch() const {
  const int last = options_.search_epochs - 1;
  const int now = epochs_done_ - options_.float_epochs;
  return last > 0 ? std::clamp(static_cast<double>(now) / last, 0.0, 1.0) : 1;
}

ArchitectureStepOptions SupernetTrainer::StepOptions() const {
  ArchitectureStepOptions step = options_.architecture;
  step.temperature =
      options_.first_temperature *
      std::pow(options_.last_temperature / options_.first_temperature,
               RatioOfSearch());
  return step;
}

void SupernetTrainer::ArchitectureStep(int step, Sums& sums) {
  sums.arch_loss += RunArchitectureStep(
      {*supernet_, *architecture_, *pressure_}, NextArchitectureBatch(),
      StepOptions(), root_.Split("gates").Split(epochs_done_).Split(step));
  ++sums.arch_steps;
}

double SupernetTrainer::SkipShare() const {
  const latency::SlotValues p = architecture_->Probabilities();
  double share = 0;
  int slots = 0;
  for (size_t s = 0; s < p.size(); ++s) {
    for (size_t k = 0; k < p[s].size(); ++k) {
      if (!supernet_->slot(static_cast<int>(s)).is_skip(static_cast<int>(k))) {
        continue;
      }
      share += p[s][k];
      ++slots;
    }
  }
  return slots > 0 ? share / slots : 0;
}

absl::StatusOr<v1::SearchEpoch> SupernetTrainer::Report(const Sums& sums) {
  const latency::SlotValues p = architecture_->Probabilities();
  v1::SearchEpoch epoch;
  epoch.set_epoch(epochs_done_);
  epoch.set_phase(searching() ? "search" : "float");
  epoch.set_train_loss(sums.loss / std::max(1, sums.steps));
  epoch.set_arch_loss(sums.arch_loss / std::max(1, sums.arch_steps));
  ASSIGN_OR_RETURN(const double top1, Top1(MostProbablePath(p)));
  epoch.set_val_top1(top1);
  epoch.set_expected_latency_ns(static_cast<int64_t>(inputs_.latency.Value(p)));
  epoch.set_latency_multiplier(pressure_->lambda());
  epoch.set_entropy(architecture_->MeanEntropy());
  epoch.set_skip_share(SkipShare());
  epoch.set_seconds(
      absl::ToDoubleSeconds(inputs_.clock.Monotonic() - sums.started));
  return epoch;
}

absl::StatusOr<std::unique_ptr<DerivedNetwork>> SupernetTrainer::Derive(
    const Path& path) {
  v1::Choice choice;
  choice.mutable_candidate()->Add(path.begin(), path.end());
  ASSIGN_OR_RETURN(const v1::Architecture architecture,
                   inputs_.space.ArchitectureOf(choice));
  ASSIGN_OR_RETURN(auto network, DerivedNetwork::Create(
                                     architecture, supernet_->Weights(path)));
  network->Recalibrate(evaluation_.calibration, searching());
  return network;
}

absl::StatusOr<double> SupernetTrainer::Top1(const Path& path) {
  ASSIGN_OR_RETURN(auto network, Derive(path));
  return network->Top1(evaluation_.validation);
}

absl::StatusOr<latency::SlotValues> SupernetTrainer::LogitsForLimit(
    const latency::SlotValues& from, double limit_ns, int steps,
    uint64_t index) {
  RETURN_IF_ERROR(CheckLimit(inputs_.latency, limit_ns));
  std::vector<int> candidates;
  for (const std::vector<double>& row : from) {
    candidates.push_back(static_cast<int>(row.size()));
  }
  const Random random = root_.Split("limit").Split(index);
  ASSIGN_OR_RETURN(auto parameters,
                   ArchitectureParameters::Create(candidates, random));
  parameters->Reset(from);
  LatencyPressure pressure(inputs_.latency, limit_ns, kLimitMultiplierRate);
  ArchitectureStepOptions options = StepOptions();
  options.learning_rate = kLimitLearningRate;
  arch_pass_ =
      (int64_t{epochs()} + 1 + static_cast<int64_t>(index)) * kPassesPerEpoch;
  arch_loader_->StartEpoch(static_cast<int>(arch_pass_));
  for (int step = 0; step < steps; ++step) {
    RunArchitectureStep({*supernet_, *parameters, pressure},
                        NextArchitectureBatch(), options, random.Split(step));
  }
  return parameters->Logits();
}

std::string SupernetTrainer::SettingsDigest() const {
  const TrainerOptions& o = options_;
  return Sha256Hex(absl::StrCat(
      inputs_.space.spec().SerializeAsString(), "|",
      inputs_.dataset.info.sha256(), "|", o.float_epochs, "|", o.search_epochs,
      "|", o.batch, "|", o.learning_rate, "|", o.weight_decay, "|",
      o.label_smoothing, "|", o.grad_boost, "|", o.arch_every, "|",
      o.architecture_steps, "|", static_cast<int>(o.architecture.gates), "|",
      o.limit_ns, "|", o.seed));
}

std::string SupernetTrainer::SaveState() {
  v1::SupernetCheckpoint state;
  state.set_format_version(kFormatVersion);
  state.set_settings_sha256(SettingsDigest());
  state.set_epochs_done(epochs_done_);
  *state.mutable_weights() = supernet_->SaveState();
  state.set_weight_optimizer(optimizer_->SaveState());
  state.set_architecture(architecture_->SaveState());
  state.set_latency_multiplier(pressure_->lambda());
  return state.SerializeAsString();
}

absl::Status SupernetTrainer::LoadState(const std::string& bytes) {
  v1::SupernetCheckpoint state;
  if (!state.ParseFromString(bytes) ||
      state.format_version() != kFormatVersion) {
    return absl::InvalidArgumentError(
        "these bytes are not a supernet checkpoint of this build");
  }
  if (state.settings_sha256() != SettingsDigest() || state.epochs_done() < 0 ||
      state.epochs_done() > epochs()) {
    return absl::InvalidArgumentError(
        "the supernet checkpoint is of another space, data set or budget");
  }
  RETURN_IF_ERROR(supernet_->LoadState(state.weights()));
  RETURN_IF_ERROR(optimizer_->LoadState(state.weight_optimizer()));
  RETURN_IF_ERROR(architecture_->LoadState(state.architecture()));
  pressure_->set_lambda(state.latency_multiplier());
  epochs_done_ = state.epochs_done();
  // The switch itself happens at the start of the first search epoch.
  const bool quantizing = epochs_done_ > options_.float_epochs;
  supernet_->SetPhase(quantizing ? quant::QatPhase::kQuantizing
                                 : quant::QatPhase::kObserving);
  return absl::OkStatus();
}

}  // namespace frostnas::search
