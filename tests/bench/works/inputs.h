// What works compute on: networks, images, updates.
#ifndef FROSTNAS_TESTS_BENCH_WORKS_INPUTS_H_
#define FROSTNAS_TESTS_BENCH_WORKS_INPUTS_H_

#include "nn/data/loader.h"
#include "nn/optim/optimizer.h"
#include "proto/frostnas/v1/architecture.pb.h"

namespace frostnas::bench {

// The size of the training works.
inline constexpr int kTrainingBatch = 64;
inline constexpr int kTrainingPixels = 32;
inline constexpr int kTrainingClasses = 10;
inline constexpr double kTrainingWidth = 0.5;

// Small: hundreds of steps on one batch of noise must stay finite. The
// arithmetic is that of any rate.
inline constexpr double kLearningRate = 1e-3;
// As trainings have it (quant/qat_train.h).
inline constexpr float kLabelSmoothing = 0.1f;

v1::Architecture FrostNetSmall(double width, int pixels, int classes);

// Normal noise and labels, of the training works' size.
nn::Batch NoiseBatch();

// With the weight decay that //quant:train gives this kind.
nn::OptimizerOptions OptimizerOptionsOf(nn::OptimizerKind kind);

}  // namespace frostnas::bench

#endif  // FROSTNAS_TESTS_BENCH_WORKS_INPUTS_H_
