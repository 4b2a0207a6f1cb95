// Time of a training step of FrostNet-Small at 32x32, batch 64, without the
// optimizer and the loader, at width 0.5 (30 M MACs; the work of design.md
// section 10) and 0.35 (15 M; what `quick` searches around).
//
//   ./bazelw run //tests/bench:training_step_benchmark
#include <memory>
#include <vector>

#include "arch/graph.h"
#include "arch/presets.h"
#include "base/check.h"
#include "base/random.h"
#include "benchmark/benchmark.h"
#include "nn/loss.h"
#include "nn/network.h"
#include "nn/precision.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

constexpr int kBatch = 64;

arch::Graph FrostNetSmall(double width) {
  auto architecture = arch::PresetArchitecture(
      "frostnet_small", {.width = width, .input_size = 32, .num_classes = 10});
  CHECK_OK(architecture);
  auto graph = arch::ExpandArchitecture(*architecture);
  CHECK_OK(graph);
  return *std::move(graph);
}

// Moving averages as quantization-aware training has them.
class MovingQuantizer : public ActivationQuantizer {
 public:
  void Observe(float min, float max) override {
    min_ += 0.05f * (min - min_);
    max_ += 0.05f * (max - max_);
  }
  bool observing() const override { return true; }
  bool quantizing() const override { return true; }
  AffineGrid grid() const override {
    const float scale = (max_ - min_) / 255;
    const int zero_point = static_cast<int>(-min_ / scale);
    return {.scale = scale, .zero_point = zero_point};
  }

 private:
  float min_ = -1, max_ = 4;
};

void FillRandom(Tensor& tensor) {
  Random random(7);
  for (float& value : tensor.span()) {
    value = static_cast<float>(random.Normal());
  }
}

void TrainingStep(benchmark::State& state) {
  const bool quantize = state.range(0) != 0;
  SetComputeThreads(static_cast<int>(state.range(1)));
  const arch::Graph graph = FrostNetSmall(state.range(3) / 100.0);
  auto network = Network::Create(
      graph, {.seed = 1,
              .precision = state.range(2) != 0 ? Precision::kMixed
                                               : Precision::kFloat32});
  CHECK_OK(network);
  std::vector<MovingQuantizer> quantizers(graph.layers.size());
  std::vector<LayerQuantization> hooks(graph.layers.size());
  for (size_t i = 0; quantize && i < hooks.size(); ++i) {
    hooks[i] = {.weight_bits = graph.layers[i].has_weights() ? 8 : 0,
                .output = &quantizers[i]};
  }
  (*network)->SetQuantization(hooks);
  Tensor images({kBatch, 32, 32, 3});
  FillRandom(images);
  const std::vector<int32_t> labels(kBatch, 3);
  Tensor diff;
  for (auto _ : state) {
    for (Parameter* p : (*network)->parameters()) p->ZeroGrad();
    SoftmaxCrossEntropy((*network)->Forward(images, Mode::kTrain), labels, 0,
                        &diff);
    (*network)->Backward(diff, false);
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(TrainingStep)
    ->ArgsProduct({{0, 1}, {1, 2}, {0, 1}, {35, 50}})
    ->ArgNames({"quantize", "threads", "mixed", "width_percent"})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace frostnas::nn
