// The recipe every INT8 network is trained by: float epochs that also observe
// (StatAssist, methods.md 1.5), quantization-aware epochs with the same
// optimizer (GradBoost from there on, methods.md 1.6), ranges frozen towards
// the end, conversion, and the INT8 executor on the test split.
//
//   ASSIGN_OR_RETURN(QatTrained trained,
//                    TrainQat({architecture, *dataset}, {.qat_epochs = 5}));
//
// No architecture is being chosen here, so the images held out for that train
// as well.
//
// INVALID_ARGUMENT: the architecture, the start weights or an option, or they
// do not fit the data set. FAILED_PRECONDITION: the loss is not finite any
// more. CANCELLED: a stop was requested.
//
// Deterministic for one seed and number of compute threads (nn/threads.h; set
// by the caller). Thread-compatible.
#ifndef FROSTNAS_QUANT_QAT_TRAIN_H_
#define FROSTNAS_QUANT_QAT_TRAIN_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/stop.h"
#include "nn/data/dataset.h"
#include "nn/optim/optimizer.h"
#include "nn/precision.h"
#include "proto/frostnas/v1/architecture.pb.h"
#include "proto/frostnas/v1/package.pb.h"
#include "quant/qat.h"

namespace frostnas::quant {

// What is trained on what; not owned.
struct QatTraining {
  const v1::Architecture& architecture;
  const nn::Dataset& dataset;
  // Weights, statistics and ranges to start from, by name; those missing start
  // fresh. Null: all do.
  const v1::FloatNetwork* start = nullptr;
};

struct QatTrainProgress {
  bool quantizing = false;
  int epoch = 0;  // over float and quantization-aware epochs
  int epochs = 0;
  double done = 0;  // 0..1, of all epochs
  double loss = 0;  // means over the epoch so far
  double top1 = 0;  // of training images
  double learning_rate = 0;
};

// How many of so many epochs, the last, should be quantization-aware: 30 %, and
// one at least.
int QatEpochsOf(int epochs);

struct QatTrainOptions {
  // Both 0: statistics and ranges are measured anew, weights stay.
  int float_epochs = 0;
  int qat_epochs = 0;
  // Stays below the training split's size.
  int batch = 64;
  nn::OptimizerKind optimizer = nn::OptimizerKind::kMuon;
  // Peak of a cosine over all epochs, after a warm-up of 5 % of the steps.
  double learning_rate = 0.02;
  uint64_t seed = 0;  // of fresh weights, order, augmentation, noise
  bool augment = true;
  float label_smoothing = 0.1f;
  double weight_decay = 0.2;
  double depthwise_weight_decay = 0;
  nn::Precision precision = nn::Precision::kMixed;
  nn::GradBoostMode grad_boost = nn::GradBoostMode::kOff;
  // Share of the quantization-aware steps, the last ones, with frozen ranges.
  double frozen_share = 0.25;
  QatOptions qat;
  StopToken stop;
  std::function<void(const QatTrainProgress&)> on_step;
};

struct QatTrained {
  v1::FloatNetwork weights;  // with ranges
  v1::Package package;       // with fake_quant_top1
  // Fractions of the test split: of the same weights without quantization, with
  // fake quantization, and of the package in the INT8 executor.
  double float_top1 = 0;
  double fake_quant_top1 = 0;
  double int8_top1 = 0;
  std::string int8_runtime;               // Executor::description
  std::vector<std::string> int8_kernels;  // Executor::kernels
  std::vector<float> epoch_loss;
  int64_t images = 0;  // trained on, over all epochs
  double train_seconds = 0;
};

absl::StatusOr<QatTrained> TrainQat(const QatTraining& training,
                                    const QatTrainOptions& options);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_QAT_TRAIN_H_
