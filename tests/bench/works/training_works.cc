#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "arch/graph.h"
#include "base/check.h"
#include "nn/loss.h"
#include "nn/network.h"
#include "nn/optim/optimizer.h"
#include "nn/precision.h"
#include "quant/qat.h"
#include "tests/bench/works/catalogue.h"
#include "tests/bench/works/inputs.h"

namespace frostnas::bench {
namespace {

struct Setup {
  bool quantize = false;
  std::optional<nn::OptimizerKind> optimizer;
  nn::Precision precision = nn::Precision::kMixed;
};

// The step of nn::TrainEpoch, on one batch without a loader.
class TrainingWork final : public Work {
 public:
  explicit TrainingWork(const Setup& setup) : batch_(NoiseBatch()) {
    const auto graph = arch::ExpandArchitecture(
        FrostNetSmall(kTrainingWidth, kTrainingPixels, kTrainingClasses));
    CHECK_OK(graph);
    auto network =
        nn::Network::Create(*graph, {.seed = 1, .precision = setup.precision});
    CHECK_OK(network);
    network_ = *std::move(network);
    auto plan = quant::QatPlan::Create(*graph, {});
    CHECK_OK(plan);
    plan_ = *std::move(plan);
    plan_->Attach(*network_);
    if (setup.optimizer.has_value()) {
      auto optimizer = nn::Optimizer::Create(
          OptimizerOptionsOf(*setup.optimizer), network_->parameters());
      CHECK_OK(optimizer);
      optimizer_ = *std::move(optimizer);
    }
    if (!setup.quantize) return;
    RunOnce();  // observes ranges
    plan_->SetPhase(quant::QatPhase::kQuantizing);
  }

  void RunOnce() override {
    for (nn::Parameter* parameter : network_->parameters()) {
      parameter->ZeroGrad();
    }
    const nn::LossResult result = nn::SoftmaxCrossEntropy(
        network_->Forward(batch_.images, nn::Mode::kTrain), batch_.labels,
        kLabelSmoothing, &diff_logits_);
    CHECK(std::isfinite(result.loss));
    network_->Backward(diff_logits_, /*need_diff_src=*/false);
    if (optimizer_ != nullptr) optimizer_->Step(kLearningRate);
  }

  int images() const override { return kTrainingBatch; }

 private:
  const nn::Batch batch_;
  // Order matters: the network uses the plan's hooks.
  std::unique_ptr<quant::QatPlan> plan_;
  std::unique_ptr<nn::Network> network_;
  std::unique_ptr<nn::Optimizer> optimizer_;
  nn::Tensor diff_logits_;
};

}  // namespace

std::vector<WorkEntry> TrainingWorks() {
  const std::pair<const char*, std::optional<nn::OptimizerKind>> optimizers[] =
      {{"none", std::nullopt},
       {"sgd", nn::OptimizerKind::kSgd},
       {"adamw", nn::OptimizerKind::kAdamW},
       {"muon", nn::OptimizerKind::kMuon}};
  const std::pair<const char*, nn::Precision> precisions[] = {
      {"mixed", nn::Precision::kMixed}, {"float32", nn::Precision::kFloat32}};
  std::vector<WorkEntry> works;
  for (const bool quantize : {false, true}) {
    for (const auto& [optimizer_name, optimizer] : optimizers) {
      for (const auto& [precision_name, precision] : precisions) {
        const Setup setup = {quantize, optimizer, precision};
        works.push_back(
            {absl::StrCat(quantize ? "qat_step/" : "float_step/",
                          optimizer_name, "/", precision_name),
             [setup] { return std::make_unique<TrainingWork>(setup); }});
      }
    }
  }
  return works;
}

}  // namespace frostnas::bench
