#include "workers/tasks/accuracy.h"

#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "nn/threads.h"
#include "quant/package.h"
#include "quant/qat_train.h"

namespace frostnas::workers {
namespace {

absl::StatusOr<std::optional<v1::FloatNetwork>> StartWeights(
    const v1::AccuracyWork& work, TaskContext& context) {
  if (work.weights_sha256().empty()) return std::nullopt;
  ASSIGN_OR_RETURN(const std::string bytes,
                   context.client.GetBlob(work.weights_sha256()));
  ASSIGN_OR_RETURN(v1::FloatNetwork weights, quant::ParseFloatNetwork(bytes));
  return weights;
}

quant::QatTrainOptions OptionsOf(const v1::AccuracyWork& work,
                                 TaskContext& context) {
  quant::QatTrainOptions options;
  options.float_epochs = work.float_epochs();
  options.qat_epochs = work.epochs();
  options.batch = work.batch();
  options.learning_rate = work.learning_rate();
  options.seed = work.seed();
  options.grad_boost = work.gradboost() ? nn::GradBoostMode::kCorrected
                                        : nn::GradBoostMode::kOff;
  options.stop = context.stop;
  options.on_step = [&context](const quant::QatTrainProgress& progress) {
    context.progress(progress.done);
  };
  return options;
}

// Uploads what training left and says where it is.
absl::StatusOr<v1::TaskResult> Upload(const quant::QatTrained& trained,
                                      TaskContext& context) {
  v1::TaskResult result;
  v1::AccuracyResult& accuracy = *result.mutable_accuracy();
  accuracy.set_float_top1(trained.float_top1);
  accuracy.set_fake_quant_top1(trained.fake_quant_top1);
  accuracy.set_int8_top1(trained.int8_top1);
  accuracy.set_int8_runtime(trained.int8_runtime);
  accuracy.set_train_seconds(trained.train_seconds);
  for (const float loss : trained.epoch_loss) accuracy.add_epoch_loss(loss);
  ASSIGN_OR_RETURN(
      *accuracy.mutable_weights_sha256(),
      context.client.PutBlob(quant::SerializeFloatNetwork(trained.weights)));
  const std::string package = quant::SerializePackage(trained.package);
  accuracy.set_package_bytes(static_cast<int64_t>(package.size()));
  ASSIGN_OR_RETURN(*accuracy.mutable_package_sha256(),
                   context.client.PutBlob(package));
  return result;
}

}  // namespace

absl::StatusOr<v1::TaskResult> AccuracyRunner::Run(const v1::Task& task,
                                                   TaskContext& context) {
  const v1::AccuracyWork& work = task.accuracy();
  ASSIGN_OR_RETURN(const std::optional<v1::FloatNetwork> start,
                   StartWeights(work, context));
  ASSIGN_OR_RETURN(const nn::Dataset* dataset, datasets_.Get(work.dataset()));
  const nn::ScopedComputeThreads threads(work.threads());
  ASSIGN_OR_RETURN(
      const quant::QatTrained trained,
      quant::TrainQat({.architecture = work.architecture(),
                       .dataset = *dataset,
                       .start = start.has_value() ? &*start : nullptr},
                      OptionsOf(work, context)));
  return Upload(trained, context);
}

}  // namespace frostnas::workers
