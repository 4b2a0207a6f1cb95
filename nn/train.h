// The training loop that tools, workers and the supernet share.
//
//   for (int epoch = 0; epoch < epochs; ++epoch) {
//     ASSIGN_OR_RETURN(EpochResult result,
//                      TrainEpoch({*network, *optimizer, train_loader},
//                                 {.epoch = epoch, .schedule = schedule}));
//   }
//   ASSIGN_OR_RETURN(double top1, EvaluateTop1(*network, val_loader, stop));
//
// CANCELLED: a stop was requested; the network is between two steps.
// FAILED_PRECONDITION: the loss is no longer finite; lower the learning rate.
//
// Thread-compatible; computing uses the compute threads (nn/threads.h).
#ifndef FROSTNAS_NN_TRAIN_H_
#define FROSTNAS_NN_TRAIN_H_

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"
#include "base/stop.h"
#include "nn/data/loader.h"
#include "nn/network.h"
#include "nn/optim/ema.h"
#include "nn/optim/optimizer.h"
#include "nn/optim/schedule.h"

namespace frostnas::nn {

// Means over the epoch so far.
struct StepReport {
  int step = 0;  // done in this epoch
  int steps = 0;
  double loss = 0;
  double top1 = 0;  // of training images, 0..1
  double learning_rate = 0;
};

struct EpochOptions {
  int epoch = 0;
  // Of the step counted over all epochs: epoch * loader.batches() + step.
  Schedule schedule;
  float label_smoothing = 0;
  WeightAverage* average = nullptr;  // updated after each step; not owned
  StopToken stop;
  std::function<void(const StepReport&)> on_step;  // after each step
};

// What an epoch works on; not owned. The optimizer's parameters are the
// network's.
struct Training {
  Network& network;
  Optimizer& optimizer;
  Loader& loader;
};

struct EpochResult {
  double loss = 0;
  double top1 = 0;
  int64_t images = 0;
};

absl::StatusOr<EpochResult> TrainEpoch(const Training& training,
                                       const EpochOptions& options);

// Share of the loader's images (one epoch of it) whose label has the largest
// logit, in evaluation mode. INVALID_ARGUMENT: the loader gives no image.
absl::StatusOr<double> EvaluateTop1(Network& network, Loader& loader,
                                    const StopToken& stop);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_TRAIN_H_
