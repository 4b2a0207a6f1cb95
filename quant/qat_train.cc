#include "quant/qat_train.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "arch/graph.h"
#include "base/status_macros.h"
#include "nn/data/image_set.h"
#include "nn/data/loader.h"
#include "nn/network.h"
#include "nn/optim/schedule.h"
#include "nn/train.h"
#include "quant/executor.h"

namespace frostnas::quant {
namespace {

constexpr double kWarmupShare = 0.05;
constexpr int kEvaluationBatch = 32;
// Batches that measure statistics and ranges when nothing is trained: the
// moving averages forget what was before.
constexpr int kRefreshBatches = 60;

absl::Status CheckOptions(const QatTraining& training,
                          const QatTrainOptions& options) {
  if (options.float_epochs < 0 || options.qat_epochs < 0) {
    return absl::InvalidArgumentError(
        "float_epochs and qat_epochs must not be negative");
  }
  if (!(options.frozen_share >= 0 && options.frozen_share <= 1)) {
    return absl::InvalidArgumentError("frozen_share must be 0..1");
  }
  const int images =
      training.dataset.train.count() + training.dataset.arch.count();
  if (options.batch < 1 || options.batch > images) {
    return absl::InvalidArgumentError(
        absl::StrCat("batch is ", options.batch, "; it must be 1..", images,
                     ", the number of training images"));
  }
  const v1::Architecture& architecture = training.architecture;
  const nn::ImageSet& test = training.dataset.test;
  if (architecture.input_size() != test.size ||
      architecture.input_channels() != test.channels ||
      architecture.num_classes() < training.dataset.info.classes()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the architecture takes ", architecture.input_size(),
                     " px, ", architecture.input_channels(), " channels, ",
                     architecture.num_classes(), " classes; the data set has ",
                     test.size, " px, ", test.channels, " channels, ",
                     training.dataset.info.classes(), " classes"));
  }
  return absl::OkStatus();
}

nn::OptimizerOptions OptimizerOf(const QatTrainOptions& options) {
  nn::OptimizerOptions optimizer;
  optimizer.kind = options.optimizer;
  optimizer.weight_decay = options.weight_decay;
  optimizer.depthwise_weight_decay = options.depthwise_weight_decay;
  optimizer.grad_boost.mode = options.grad_boost;
  optimizer.seed = options.seed;
  return optimizer;
}

nn::LoaderOptions TrainLoaderOf(const QatTraining& training,
                                const QatTrainOptions& options) {
  nn::LoaderOptions loader;
  loader.batch = options.batch;
  loader.seed = options.seed;
  if (options.augment) {
    loader.augmentation = nn::StandardAugmentation(
        training.dataset.info, options.float_epochs + options.qat_epochs);
  }
  return loader;
}

// One run of the recipe.
class Run {
 public:
  Run(const QatTraining& training, const QatTrainOptions& options)
      : training_(training),
        options_(options),
        images_(nn::Join(training.dataset.train, training.dataset.arch)),
        train_(images_, training.dataset.info,
               TrainLoaderOf(training, options)),
        test_(
            training.dataset.test, training.dataset.info,
            {.batch = kEvaluationBatch, .shuffle = false, .drop_last = false}) {
  }

  absl::Status Create();
  absl::Status Train();
  // Statistics and ranges without training.
  absl::Status Refresh();
  absl::Status Evaluate();
  QatTrained Result() && { return std::move(result_); }

 private:
  int epochs() const { return options_.float_epochs + options_.qat_epochs; }
  nn::Schedule ScheduleOf() const;
  absl::Status TrainOneEpoch(int epoch);
  void OnStep(int epoch, const nn::StepReport& report);
  void SaveWeights();

  const QatTraining& training_;
  const QatTrainOptions& options_;
  const nn::ImageSet images_;
  nn::Loader train_, test_;
  std::unique_ptr<nn::Network> network_;
  std::unique_ptr<QatPlan> plan_;
  std::unique_ptr<nn::Optimizer> optimizer_;
  QatTrained result_;
};

absl::Status Run::Create() {
  ASSIGN_OR_RETURN(const arch::Graph graph,
                   arch::ExpandArchitecture(training_.architecture));
  ASSIGN_OR_RETURN(
      network_, nn::Network::Create(graph, {.seed = options_.seed,
                                            .precision = options_.precision}));
  ASSIGN_OR_RETURN(plan_, QatPlan::Create(graph, options_.qat));
  if (training_.start != nullptr) {
    RETURN_IF_ERROR(network_->Load(*training_.start, /*require_all=*/false));
    RETURN_IF_ERROR(plan_->Load(*training_.start, /*require_all=*/false));
  }
  plan_->Attach(*network_);
  ASSIGN_OR_RETURN(optimizer_, nn::Optimizer::Create(OptimizerOf(options_),
                                                     network_->parameters()));
  return absl::OkStatus();
}

nn::Schedule Run::ScheduleOf() const {
  nn::Schedule schedule;
  schedule.base_rate = options_.learning_rate;
  schedule.total_steps =
      std::max<int64_t>(int64_t{epochs()} * train_.batches(), 1);
  schedule.warmup_steps =
      static_cast<int64_t>(kWarmupShare * schedule.total_steps);
  return schedule;
}

// Ranges freeze after a step, so the next one is the first with frozen ones.
void Run::OnStep(int epoch, const nn::StepReport& report) {
  const double in_epoch = static_cast<double>(report.step) / report.steps;
  const double qat_done = epoch - options_.float_epochs + in_epoch;
  if (plan_->phase() == QatPhase::kQuantizing &&
      qat_done >= (1 - options_.frozen_share) * options_.qat_epochs) {
    plan_->SetPhase(QatPhase::kFrozen);
  }
  if (!options_.on_step) return;
  options_.on_step({.quantizing = epoch >= options_.float_epochs,
                    .epoch = epoch,
                    .epochs = epochs(),
                    .done = (epoch + in_epoch) / epochs(),
                    .loss = report.loss,
                    .top1 = report.top1,
                    .learning_rate = report.learning_rate});
}

absl::Status Run::TrainOneEpoch(int epoch) {
  if (epoch == options_.float_epochs) {
    optimizer_->StartBoosting();
    plan_->SetPhase(QatPhase::kQuantizing);
  }
  ASSIGN_OR_RETURN(
      const nn::EpochResult result,
      nn::TrainEpoch({*network_, *optimizer_, train_},
                     {.epoch = epoch,
                      .schedule = ScheduleOf(),
                      .label_smoothing = options_.label_smoothing,
                      .stop = options_.stop,
                      .on_step = [&](const nn::StepReport& report) {
                        OnStep(epoch, report);
                      }}));
  result_.epoch_loss.push_back(static_cast<float>(result.loss));
  result_.images += result.images;
  return absl::OkStatus();
}

absl::Status Run::Train() {
  const absl::Time start = absl::Now();
  for (int epoch = 0; epoch < epochs(); ++epoch) {
    RETURN_IF_ERROR(TrainOneEpoch(epoch));
  }
  if (options_.qat_epochs == 0) RETURN_IF_ERROR(Refresh());
  result_.train_seconds = absl::ToDoubleSeconds(absl::Now() - start);
  return absl::OkStatus();
}

absl::Status Run::Refresh() {
  for (int done = 0, epoch = 0; done < kRefreshBatches; ++epoch) {
    train_.StartEpoch(epoch);
    const nn::Batch* batch = nullptr;
    while (done < kRefreshBatches && (batch = train_.Next()) != nullptr) {
      RETURN_IF_ERROR(options_.stop.Check());
      network_->Forward(batch->images, nn::Mode::kTrain);
      ++done;
    }
  }
  return absl::OkStatus();
}

void Run::SaveWeights() {
  v1::FloatNetwork& weights = result_.weights;
  weights.set_format_version(1);
  *weights.mutable_architecture() = training_.architecture;
  *weights.mutable_dataset() = training_.dataset.info;
  *weights.mutable_input() = result_.package.input();
  network_->Save(weights);
  plan_->Save(weights);
}

absl::Status Run::Evaluate() {
  plan_->SetPhase(QatPhase::kObserving);
  ASSIGN_OR_RETURN(result_.float_top1,
                   nn::EvaluateTop1(*network_, test_, options_.stop));
  plan_->SetPhase(QatPhase::kFrozen);
  ASSIGN_OR_RETURN(result_.fake_quant_top1,
                   nn::EvaluateTop1(*network_, test_, options_.stop));
  ASSIGN_OR_RETURN(result_.package,
                   Convert(*network_, *plan_, training_.architecture,
                           training_.dataset.info));
  result_.package.set_fake_quant_top1(result_.fake_quant_top1);
  SaveWeights();
  ASSIGN_OR_RETURN(const std::unique_ptr<Executor> executor,
                   CreateOnednnExecutor(result_.package));
  result_.int8_top1 = Top1(*executor, training_.dataset.test.pixels,
                           training_.dataset.test.labels);
  result_.int8_runtime = executor->description();
  result_.int8_kernels = executor->kernels();
  return absl::OkStatus();
}

}  // namespace

int QatEpochsOf(int epochs) {
  constexpr double kShare = 0.3;
  return std::min(epochs,
                  std::max(1, static_cast<int>(std::lround(kShare * epochs))));
}

absl::StatusOr<QatTrained> TrainQat(const QatTraining& training,
                                    const QatTrainOptions& options) {
  RETURN_IF_ERROR(CheckOptions(training, options));
  Run run(training, options);
  RETURN_IF_ERROR(run.Create());
  RETURN_IF_ERROR(run.Train());
  RETURN_IF_ERROR(run.Evaluate());
  return std::move(run).Result();
}

}  // namespace frostnas::quant
