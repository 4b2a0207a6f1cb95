// Time of each distinct convolution of FrostNet-Small 0.5 (32 px, batch 64) and
// 1.0 (224 px, batch 8) as a network of one layer with its batch norm and
// activation: forward and backward, float and quantization-aware.
//
//   ./bazelw run //tests/bench:layer_benchmark -- --benchmark_filter=depthwise
//
// Names are NETWORK/LAYER/SHAPE/MODE/PASS/THREADS; a shape that several layers
// have goes by the first. flops counts multiplications and additions, bytes
// what must be moved at least: source, weights and result of each product.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "arch/cost.h"
#include "arch/graph.h"
#include "base/check.h"
#include "base/random.h"
#include "benchmark/benchmark.h"
#include "nn/network.h"
#include "nn/precision.h"
#include "nn/threads.h"
#include "quant/qat.h"
#include "tests/bench/work_benchmark.h"
#include "tests/bench/works/inputs.h"

namespace frostnas::bench {
namespace {

struct LayerRun {
  arch::Layer layer;
  int batch = 1;
  bool quantize = false;
  bool backward = false;
  int threads = 1;
};

nn::Tensor Noise(int batch, const arch::FeatureShape& shape, uint64_t seed) {
  Random random(seed);
  nn::Tensor tensor({batch, shape.size, shape.size, shape.channels});
  for (float& value : tensor.span()) {
    value = static_cast<float>(random.Normal());
  }
  return tensor;
}

// A network of one layer.
class SingleLayer {
 public:
  explicit SingleLayer(const LayerRun& run)
      : src_(Noise(run.batch, run.layer.in, 1)),
        diff_dst_(Noise(run.batch, run.layer.out, 2)) {
    arch::Graph graph;
    graph.input = run.layer.in;
    graph.layers = {run.layer};
    graph.layers[0].inputs = {arch::kGraphInput};
    auto plan = quant::QatPlan::Create(graph, {});
    CHECK_OK(plan);
    plan_ = *std::move(plan);
    auto network = nn::Network::Create(
        graph, {.seed = 1, .precision = nn::Precision::kMixed});
    CHECK_OK(network);
    network_ = *std::move(network);
    plan_->Attach(*network_);
    ClearGradients();
    Forward();
    Backward();
    if (run.quantize) plan_->SetPhase(quant::QatPhase::kQuantizing);
  }

  void Forward() { network_->Forward(src_, nn::Mode::kTrain); }
  void Backward() {
    // Backward overwrites it.
    std::copy_n(diff_dst_.data(), diff_dst_.elements(), used_diff_.data());
    network_->Backward(used_diff_, /*need_diff_src=*/true);
  }
  void ClearGradients() {
    for (nn::Parameter* parameter : network_->parameters()) {
      parameter->ZeroGrad();
    }
  }

 private:
  const nn::Tensor src_;
  const nn::Tensor diff_dst_;
  nn::Tensor used_diff_ = diff_dst_.Clone();
  // Order matters: the network uses the plan's hooks.
  std::unique_ptr<quant::QatPlan> plan_;
  std::unique_ptr<nn::Network> network_;
};

int64_t Elements(int batch, const arch::FeatureShape& shape) {
  return int64_t{batch} * shape.size * shape.size * shape.channels;
}

void TimeLayer(benchmark::State& state, const LayerRun& run) {
  const nn::ScopedComputeThreads scope(run.threads);
  SingleLayer layer(run);
  for (auto _ : state) {
    if (!run.backward) {
      layer.Forward();
      continue;
    }
    // A backward pass needs the forward pass before it, untimed.
    state.PauseTiming();
    layer.Forward();
    layer.ClearGradients();
    state.ResumeTiming();
    layer.Backward();
  }
  // Backward: two products, by source and by weights.
  const int products = run.backward ? 2 : 1;
  const arch::Cost cost = arch::LayerCost(run.layer);
  const double bytes = static_cast<double>(sizeof(float)) * products *
                       (Elements(run.batch, run.layer.in) +
                        Elements(run.batch, run.layer.out) + cost.params);
  const double flops = 2.0 * products * cost.macs * run.batch;
  constexpr auto kRate = benchmark::Counter::kIsIterationInvariantRate;
  state.counters["flops"] = benchmark::Counter(flops, kRate);
  state.counters["bytes"] = benchmark::Counter(bytes, kRate);
}

std::string ShapeOf(const arch::Layer& layer) {
  return absl::StrCat(layer.in.size, "x", layer.in.size, "x", layer.in.channels,
                      "_to_", layer.out.channels, "_k", layer.kernel, "_s",
                      layer.stride);
}

void RegisterLayer(const std::string& name, LayerRun run) {
  for (const bool quantize : {false, true}) {
    for (const bool backward : {false, true}) {
      for (const int threads : kThreadCounts) {
        run.quantize = quantize;
        run.backward = backward;
        run.threads = threads;
        benchmark::RegisterBenchmark(
            absl::StrCat(name, quantize ? "/qat" : "/float",
                         backward ? "/backward" : "/forward", "/threads_",
                         threads)
                .c_str(),
            [run](benchmark::State& state) { TimeLayer(state, run); })
            ->UseRealTime();
      }
    }
  }
}

void RegisterNetwork(const std::string& name,
                     const v1::Architecture& architecture, int batch) {
  const auto graph = arch::ExpandArchitecture(architecture);
  CHECK_OK(graph);
  std::set<std::string> seen;
  for (const arch::Layer& layer : graph->layers) {
    if (layer.kind != arch::LayerKind::kConv &&
        layer.kind != arch::LayerKind::kDepthwise) {
      continue;
    }
    const std::string shape = ShapeOf(layer);
    const std::string identity =
        absl::StrCat(arch::LayerKindName(layer.kind), shape, layer.activation);
    if (!seen.insert(identity).second) continue;
    RegisterLayer(absl::StrCat(name, "/", layer.name, "/", shape),
                  {.layer = layer, .batch = batch});
  }
}

}  // namespace
}  // namespace frostnas::bench

int main(int argc, char** argv) {
  namespace bench = frostnas::bench;
  bench::RegisterNetwork("small_0.5_32px", bench::FrostNetSmall(0.5, 32, 10),
                         64);
  bench::RegisterNetwork("small_1.0_224px",
                         bench::FrostNetSmall(1.0, 224, 1000), 8);
  return bench::RunBenchmarks(argc, argv, {});
}
