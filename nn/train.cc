#include "nn/train.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "nn/loss.h"

namespace frostnas::nn {
namespace {

// Sums of an epoch.
struct Totals {
  double loss = 0;  // times images
  int64_t correct = 0;
  int64_t images = 0;

  void Add(const LossResult& result, int batch) {
    loss += result.loss * batch;
    correct += result.correct;
    images += batch;
  }
  double MeanLoss() const { return images > 0 ? loss / images : 0; }
  double Top1() const {
    return images > 0 ? static_cast<double>(correct) / images : 0;
  }
};

// Forward, backward and update with one batch.
LossResult Step(const Training& training, const Batch& batch,
                float label_smoothing, double learning_rate,
                Tensor& diff_logits) {
  Network& network = training.network;
  for (Parameter* parameter : network.parameters()) parameter->ZeroGrad();
  const LossResult result =
      SoftmaxCrossEntropy(network.Forward(batch.images, Mode::kTrain),
                          batch.labels, label_smoothing, &diff_logits);
  if (!std::isfinite(result.loss)) return result;  // keep the weights
  network.Backward(diff_logits, /*need_diff_src=*/false);
  training.optimizer.Step(learning_rate);
  return result;
}

absl::Status Diverged(int epoch, int step) {
  return absl::FailedPreconditionError(
      absl::StrCat("the training loss is not finite in epoch ", epoch,
                   ", step ", step, "; lower the learning rate"));
}

}  // namespace

absl::StatusOr<EpochResult> TrainEpoch(const Training& training,
                                       const EpochOptions& options) {
  Loader& loader = training.loader;
  const int steps = loader.batches();
  Totals totals;
  Tensor diff_logits;
  loader.StartEpoch(options.epoch);
  for (int step = 0; const Batch* batch = loader.Next(); ++step) {
    RETURN_IF_ERROR(options.stop.Check());
    const double rate =
        LearningRate(options.schedule, int64_t{options.epoch} * steps + step);
    const LossResult result =
        Step(training, *batch, options.label_smoothing, rate, diff_logits);
    if (!std::isfinite(result.loss)) return Diverged(options.epoch, step);
    if (options.average != nullptr) options.average->Update();
    totals.Add(result, static_cast<int>(batch->labels.size()));
    if (options.on_step) {
      options.on_step({.step = step + 1,
                       .steps = steps,
                       .loss = totals.MeanLoss(),
                       .top1 = totals.Top1(),
                       .learning_rate = rate});
    }
  }
  return EpochResult{.loss = totals.MeanLoss(),
                     .top1 = totals.Top1(),
                     .images = totals.images};
}

absl::StatusOr<double> EvaluateTop1(Network& network, Loader& loader,
                                    const StopToken& stop) {
  int64_t correct = 0;
  int64_t images = 0;
  loader.StartEpoch(0);
  while (const Batch* batch = loader.Next()) {
    RETURN_IF_ERROR(stop.Check());
    correct += CountCorrect(network.Forward(batch->images, Mode::kEval),
                            batch->labels);
    images += static_cast<int64_t>(batch->labels.size());
  }
  if (images == 0) {
    return absl::InvalidArgumentError("there are no images to evaluate on");
  }
  return static_cast<double>(correct) / static_cast<double>(images);
}

}  // namespace frostnas::nn
