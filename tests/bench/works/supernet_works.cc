#include <cmath>
#include <utility>

#include "arch/cost.h"
#include "arch/graph.h"
#include "arch/space.h"
#include "base/check.h"
#include "base/random.h"
#include "latency/expected_latency.h"
#include "nn/loss.h"
#include "nn/network.h"
#include "nn/optim/optimizer.h"
#include "nn/precision.h"
#include "quant/qat.h"
#include "search/spaces/spaces.h"
#include "search/supernet/architecture_parameters.h"
#include "search/supernet/architecture_step.h"
#include "search/supernet/supernet.h"
#include "tests/bench/works/catalogue.h"
#include "tests/bench/works/inputs.h"

namespace frostnas::bench {
namespace {

using search::Path;

// Paths that a run goes through, one step each. Networks of the space differ
// in size, so both sides of the comparison take the same ones.
constexpr int kPaths = 4;

arch::SearchSpace FrostSpace() {
  auto space = search::LoadSpace("frost", {.width = kTrainingWidth,
                                           .input_size = kTrainingPixels,
                                           .num_classes = kTrainingClasses});
  CHECK_OK(space);
  return *std::move(space);
}

std::vector<v1::Choice> Choices(const arch::SearchSpace& space) {
  Random random(3);
  std::vector<v1::Choice> choices;
  for (int i = 0; i < kPaths; ++i) {
    choices.push_back(space.RandomChoice(random));
  }
  return choices;
}

// As the supernet's trainer and the trainings of trials have it.
std::unique_ptr<nn::Optimizer> MakeOptimizer(
    std::vector<nn::Parameter*> parameters) {
  nn::OptimizerOptions options = OptimizerOptionsOf(nn::OptimizerKind::kMuon);
  options.grad_boost.mode = nn::GradBoostMode::kCorrected;
  auto optimizer = nn::Optimizer::Create(options, std::move(parameters));
  CHECK_OK(optimizer);
  (*optimizer)->StartBoosting();
  return *std::move(optimizer);
}

// A supernet in its search phase.
class SupernetWork : public Work {
 public:
  SupernetWork() : batch_(NoiseBatch()), space_(FrostSpace()) {
    auto supernet = search::Supernet::Create(
        space_, {.seed = 1, .precision = nn::Precision::kMixed});
    CHECK_OK(supernet);
    supernet_ = *std::move(supernet);
    ObserveAll();
    supernet_->SetPhase(quant::QatPhase::kQuantizing);
  }
  int images() const override { return kTrainingBatch; }

 protected:
  const nn::Batch batch_;
  const arch::SearchSpace space_;
  std::unique_ptr<search::Supernet> supernet_;

 private:
  // Every candidate must have seen activations before it is quantized.
  void ObserveAll() {
    size_t most = 0;
    for (const arch::SearchSlot& slot : space_.slots()) {
      most = std::max(most, slot.candidates.size());
    }
    for (size_t k = 0; k < most; ++k) {
      Path path;
      for (const arch::SearchSlot& slot : space_.slots()) {
        path.push_back(static_cast<int>(k % slot.candidates.size()));
      }
      supernet_->Forward(path, batch_.images, nn::Mode::kTrain);
    }
  }
};

// The step of search::SupernetTrainer, on one batch without a loader.
class WeightStepWork final : public SupernetWork {
 public:
  WeightStepWork() : optimizer_(MakeOptimizer(supernet_->parameters())) {
    for (const v1::Choice& choice : Choices(space_)) {
      paths_.emplace_back(choice.candidate().begin(), choice.candidate().end());
    }
  }

  int steps() const override { return kPaths; }
  void RunOnce() override {
    for (const Path& path : paths_) Step(path);
  }

 private:
  void Step(const Path& path) {
    const nn::Tensor& logits =
        supernet_->Forward(path, batch_.images, nn::Mode::kTrain);
    const nn::LossResult result = nn::SoftmaxCrossEntropy(
        logits, batch_.labels, kLabelSmoothing, &diff_logits_);
    CHECK(std::isfinite(result.loss));
    supernet_->Backward(path, diff_logits_);
    const std::vector<nn::Parameter*> touched = supernet_->ParametersOf(path);
    optimizer_->StepSome(kLearningRate, touched);
    for (nn::Parameter* parameter : touched) parameter->ZeroGrad();
  }

  std::unique_ptr<nn::Optimizer> optimizer_;
  std::vector<Path> paths_;
  nn::Tensor diff_logits_;
};

// One sampled architecture as a network of its own.
class AloneNetwork {
 public:
  explicit AloneNetwork(v1::Architecture architecture) {
    // The supernet has no dropout either.
    for (v1::Block& block : *architecture.mutable_blocks()) {
      if (block.has_classifier()) block.mutable_classifier()->set_dropout(0);
    }
    const auto graph = arch::ExpandArchitecture(architecture);
    CHECK_OK(graph);
    auto plan = quant::QatPlan::Create(*graph, {});
    CHECK_OK(plan);
    plan_ = *std::move(plan);
    auto network = nn::Network::Create(
        *graph, {.seed = 1, .precision = nn::Precision::kMixed});
    CHECK_OK(network);
    network_ = *std::move(network);
    plan_->Attach(*network_);
    optimizer_ = MakeOptimizer(network_->parameters());
  }

  void StartQuantizing(const nn::Batch& batch) {
    network_->Forward(batch.images, nn::Mode::kTrain);
    plan_->SetPhase(quant::QatPhase::kQuantizing);
  }

  void Step(const nn::Batch& batch) {
    for (nn::Parameter* parameter : network_->parameters()) {
      parameter->ZeroGrad();
    }
    const nn::LossResult result = nn::SoftmaxCrossEntropy(
        network_->Forward(batch.images, nn::Mode::kTrain), batch.labels,
        kLabelSmoothing, &diff_logits_);
    CHECK(std::isfinite(result.loss));
    network_->Backward(diff_logits_, /*need_diff_src=*/false);
    optimizer_->Step(kLearningRate);
  }

 private:
  // Order matters: the network uses the plan's hooks.
  std::unique_ptr<quant::QatPlan> plan_;
  std::unique_ptr<nn::Network> network_;
  std::unique_ptr<nn::Optimizer> optimizer_;
  nn::Tensor diff_logits_;
};

class SampledAloneWork final : public Work {
 public:
  SampledAloneWork() : batch_(NoiseBatch()) {
    const arch::SearchSpace space = FrostSpace();
    for (const v1::Choice& choice : Choices(space)) {
      auto architecture = space.ArchitectureOf(choice);
      CHECK_OK(architecture);
      networks_.push_back(
          std::make_unique<AloneNetwork>(*std::move(architecture)));
      networks_.back()->StartQuantizing(batch_);
    }
  }

  int steps() const override { return kPaths; }
  int images() const override { return kTrainingBatch; }
  void RunOnce() override {
    for (const auto& network : networks_) network->Step(batch_);
  }

 private:
  const nn::Batch batch_;
  std::vector<std::unique_ptr<AloneNetwork>> networks_;
};

// Nanoseconds that grow with MACs, as good as measured ones here.
latency::ExpectedLatency MadeUpLatency(const arch::SearchSpace& space) {
  latency::SlotValues ns;
  for (const arch::SearchSlot& slot : space.slots()) {
    std::vector<double>& row = ns.emplace_back();
    for (const arch::SlotCandidate& candidate : slot.candidates) {
      row.push_back(candidate.skip
                        ? 0
                        : 1e3 + 1e-2 * arch::GraphCost(candidate.graph).macs);
    }
  }
  auto latency = latency::ExpectedLatency::Create(ns, 0);
  CHECK_OK(latency);
  return *std::move(latency);
}

class ArchitectureStepWork final : public SupernetWork {
 public:
  ArchitectureStepWork()
      : latency_(MadeUpLatency(space_)),
        pressure_(latency_, latency_.MaxNs() / 2, /*eta=*/0.02) {
    std::vector<int> candidates;
    for (const arch::SearchSlot& slot : space_.slots()) {
      candidates.push_back(static_cast<int>(slot.candidates.size()));
    }
    auto parameters =
        search::ArchitectureParameters::Create(candidates, Random(1));
    CHECK_OK(parameters);
    parameters_ = *std::move(parameters);
  }

  // The same draws every time, so that runs do the same work.
  int steps() const override { return kPaths; }
  void RunOnce() override {
    const search::ArchitectureStepOptions options = {.learning_rate = 1e-6};
    for (int i = 0; i < kPaths; ++i) {
      search::RunArchitectureStep({*supernet_, *parameters_, pressure_}, batch_,
                                  options, Random(5).Split(i));
    }
  }

 private:
  const latency::ExpectedLatency latency_;
  search::LatencyPressure pressure_;
  std::unique_ptr<search::ArchitectureParameters> parameters_;
};

}  // namespace

std::vector<WorkEntry> SupernetWorks() {
  return {{"supernet_weight_step",
           [] { return std::make_unique<WeightStepWork>(); }},
          {"supernet_sampled_alone",
           [] { return std::make_unique<SampledAloneWork>(); }},
          {"supernet_architecture_step",
           [] { return std::make_unique<ArchitectureStepWork>(); }}};
}

}  // namespace frostnas::bench
