#include "quant/methods/learned/tuning.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "nn/optim/schedule.h"

namespace frostnas::quant {
namespace {

absl::Status CheckOptions(const Tuning& tuning, const TuningOptions& options) {
  if (options.epochs < 0 || options.epochs_in_cycle < 1 ||
      !(options.learning_rate >= 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("training has ", options.epochs, " epochs in cycles of ",
                     options.epochs_in_cycle, " at learning rate ",
                     options.learning_rate, "; none may be negative"));
  }
  if (options.epochs > 0 && tuning.loader.batches() == 0) {
    return absl::InvalidArgumentError("there are no images to train on");
  }
  return absl::OkStatus();
}

class Loop {
 public:
  Loop(const Tuning& tuning, const TuningOptions& options)
      : tuning_(tuning), options_(options), used_(tuning.parameters) {
    for (nn::Parameter* parameter : tuning.network.network().parameters()) {
      used_.push_back(parameter);
    }
    for (nn::Parameter* parameter : tuning.network.quantizer_parameters()) {
      used_.push_back(parameter);
    }
  }

  absl::StatusOr<double> RunEpoch(int epoch);

 private:
  nn::Schedule ScheduleOf(int epoch) const;
  // The batch's loss.
  double Step(const nn::Batch& batch, double learning_rate);

  const Tuning& tuning_;
  const TuningOptions& options_;
  std::vector<nn::Parameter*> used_;  // get a gradient
  std::unique_ptr<nn::Optimizer> optimizer_;
  nn::Tensor diff_logits_;
};

// Of the cycle that `epoch` is in.
nn::Schedule Loop::ScheduleOf(int epoch) const {
  const int cycle = epoch / options_.epochs_in_cycle;
  const int first = cycle * options_.epochs_in_cycle;
  const int last = std::min(first + options_.epochs_in_cycle, options_.epochs);
  nn::Schedule schedule;
  schedule.base_rate = options_.learning_rate;
  schedule.total_steps = int64_t{last - first} * tuning_.loader.batches();
  return schedule;
}

double Loop::Step(const nn::Batch& batch, double learning_rate) {
  for (nn::Parameter* parameter : used_) parameter->ZeroGrad();
  nn::Network& network = tuning_.network.network();
  const double loss = tuning_.loss(
      batch, network.Forward(batch.images, nn::Mode::kTrain), diff_logits_);
  if (!std::isfinite(loss)) return loss;
  network.Backward(diff_logits_, /*need_diff_src=*/false);
  optimizer_->Step(learning_rate);
  tuning_.network.Project();
  return loss;
}

absl::StatusOr<double> Loop::RunEpoch(int epoch) {
  const int in_cycle = epoch % options_.epochs_in_cycle;
  if (in_cycle == 0) {
    ASSIGN_OR_RETURN(optimizer_, nn::Optimizer::Create(options_.optimizer,
                                                       tuning_.parameters));
  }
  const int steps = tuning_.loader.batches();
  const nn::Schedule schedule = ScheduleOf(epoch);
  double sum = 0;
  tuning_.loader.StartEpoch(epoch);
  for (int step = 0; const nn::Batch* batch = tuning_.loader.Next(); ++step) {
    RETURN_IF_ERROR(options_.stop.Check());
    const int64_t of_cycle = int64_t{in_cycle} * steps + step;
    const double loss = Step(*batch, nn::LearningRate(schedule, of_cycle));
    if (!std::isfinite(loss)) {
      return absl::FailedPreconditionError(
          absl::StrCat("the loss is not finite in epoch ", epoch, ", step ",
                       step, "; lower the learning rate"));
    }
    sum += loss;
    if (options_.on_step) {
      const double done = (epoch + (step + 1.0) / steps) / options_.epochs;
      options_.on_step(done, sum / (step + 1));
    }
  }
  return sum / steps;
}

}  // namespace

absl::StatusOr<std::vector<double>> Tune(const Tuning& tuning,
                                         const TuningOptions& options) {
  RETURN_IF_ERROR(CheckOptions(tuning, options));
  Loop loop(tuning, options);
  std::vector<double> losses;
  for (int epoch = 0; epoch < options.epochs; ++epoch) {
    ASSIGN_OR_RETURN(const double loss, loop.RunEpoch(epoch));
    losses.push_back(loss);
  }
  return losses;
}

}  // namespace frostnas::quant
