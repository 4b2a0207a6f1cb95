// Time of a training step of FrostNet-Small 0.5 at 32x32, batch 64, float and
// quantization-aware, by optimizer and precision, and how long the training
// loop waits for its batches.
//
//   ./bazelw run //tests/bench:training_step_benchmark
#include <memory>

#include "arch/graph.h"
#include "base/check.h"
#include "benchmark/benchmark.h"
#include "nn/data/dataset.h"
#include "nn/data/loader.h"
#include "nn/network.h"
#include "nn/optim/optimizer.h"
#include "nn/threads.h"
#include "nn/train.h"
#include "tests/bench/work_benchmark.h"
#include "tests/bench/works/inputs.h"

namespace frostnas::bench {
namespace {

constexpr int kImages = 20 * kTrainingBatch;

const nn::Dataset& SyntheticImages() {
  static const auto* const dataset = [] {
    v1::DatasetSpec spec;
    spec.set_kind(v1::DATASET_KIND_SYNTHETIC);
    spec.set_train_images(2 * kImages);  // some are held out
    auto loaded = nn::LoadDataset(spec);
    CHECK_OK(loaded);
    return (*std::move(loaded)).release();
  }();
  return *dataset;
}

// Epochs of float training with the loader, which augments on a thread of its
// own beside the compute threads. Time is of one step.
void EpochWithLoader(benchmark::State& state) {
  const nn::ScopedComputeThreads scope(static_cast<int>(state.range(0)));
  const nn::Dataset& dataset = SyntheticImages();
  nn::Loader loader(dataset.train, dataset.info,
                    {.batch = kTrainingBatch,
                     .augmentation = nn::StandardAugmentation(dataset.info, 1),
                     .seed = 1});
  const auto graph = arch::ExpandArchitecture(
      FrostNetSmall(kTrainingWidth, kTrainingPixels, kTrainingClasses));
  CHECK_OK(graph);
  auto network = nn::Network::Create(
      *graph, {.seed = 1, .precision = nn::Precision::kMixed});
  CHECK_OK(network);
  auto optimizer = nn::Optimizer::Create(
      OptimizerOptionsOf(nn::OptimizerKind::kMuon), (*network)->parameters());
  CHECK_OK(optimizer);
  double waited = 0;
  int epoch = 0;
  for (auto _ : state) {
    CHECK_OK(nn::TrainEpoch({**network, **optimizer, loader},
                            {.epoch = epoch++,
                             .schedule = {.kind = nn::ScheduleKind::kConstant,
                                          .base_rate = kLearningRate}}));
    waited += loader.wait_share();
  }
  const double epochs = static_cast<double>(state.iterations());
  state.counters["waiting_share"] = waited / epochs;
  state.counters["step_s"] = benchmark::Counter(
      epochs * loader.batches(),
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(EpochWithLoader)
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace frostnas::bench

int main(int argc, char** argv) {
  return frostnas::bench::RunBenchmarks(argc, argv,
                                        {"float_step/", "qat_step/"});
}
