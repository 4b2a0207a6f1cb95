// Time of a training step of FrostNet-Small 0.5 at 32x32, batch 64, on two
// threads: the work of design.md section 10.
//
//   bazel run -c opt //nn/benchmark:training_step_benchmark
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "arch/graph.h"
#include "base/check.h"
#include "base/random.h"
#include "benchmark/benchmark.h"
#include "nn/loss.h"
#include "nn/network.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

constexpr int kBatch = 64;

struct Row {
  int kernel, channels, expansion, reduction, stride;
};

// methods.md 1.2, Small, at width 0.5.
constexpr Row kRows[] = {{3, 8, 1, 1, 1},  {5, 16, 3, 4, 2}, {3, 16, 3, 4, 1},
                         {5, 24, 3, 4, 2}, {5, 40, 3, 4, 2}, {5, 40, 3, 4, 1},
                         {3, 40, 3, 4, 1}, {5, 48, 3, 2, 1}, {5, 48, 3, 4, 1},
                         {5, 48, 3, 4, 1}, {5, 96, 6, 4, 2}, {5, 96, 6, 4, 1},
                         {5, 96, 6, 4, 1}, {5, 160, 6, 2, 1}};

void AddConv(const std::string& name, int channels, int kernel,
             v1::Architecture& to) {
  v1::Block& block = *to.add_blocks();
  block.set_name(name);
  block.mutable_conv()->set_out_channels(channels);
  block.mutable_conv()->set_kernel(kernel);
  block.mutable_conv()->set_stride(1);
  block.mutable_conv()->set_activation(v1::ACTIVATION_RELU);
}

arch::Graph FrostNetSmallHalf() {
  v1::Architecture net;
  net.set_input_size(32);
  net.set_input_channels(3);
  net.set_num_classes(10);
  AddConv("stem", 16, 3, net);
  for (const Row& row : kRows) {
    v1::Block& block = *net.add_blocks();
    block.set_name(absl::StrCat("b", net.blocks_size()));
    v1::FrostBlock& frost = *block.mutable_frost();
    frost.set_out_channels(row.channels);
    frost.set_kernel(row.kernel);
    frost.set_expansion(row.expansion);
    frost.set_reduction(row.reduction);
    frost.set_stride(row.stride);
  }
  AddConv("last", 1280, 1, net);
  v1::Block& head = *net.add_blocks();
  head.set_name("head");
  head.mutable_classifier()->set_pool(v1::GLOBAL_POOL_AVERAGE);
  head.mutable_classifier()->set_dropout(0.2f);
  auto graph = arch::ExpandArchitecture(net);
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
  const arch::Graph graph = FrostNetSmallHalf();
  auto network = Network::Create(graph, {.seed = 1});
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
    ->ArgsProduct({{0, 1}, {1, 2}})
    ->ArgNames({"quantize", "threads"})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace frostnas::nn
