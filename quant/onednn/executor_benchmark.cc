// Time of a whole INT8 network and of each of its layers.
//
//   ./bazelw run -c opt //quant/onednn:executor_benchmark
//
// One thread; the sizes of design.md 10.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "arch/graph.h"
#include "arch/presets.h"
#include "arch/space.h"
#include "benchmark/benchmark.h"
#include "nn/threads.h"
#include "quant/executor.h"
#include "quant/quantized_graph.h"
#include "quant/testing/agreement.h"

namespace frostnas::quant {
namespace {

void RunNetwork(benchmark::State& state, const arch::SpaceOverrides& size,
                int batch) {
  nn::SetComputeThreads(1);
  const v1::Architecture architecture =
      arch::PresetArchitecture("frostnet_small", size).value();
  const QuantizedGraph quantized =
      RandomQuantizedGraph(arch::ExpandArchitecture(architecture).value(), 1);
  const std::unique_ptr<Executor> executor =
      CreateOnednnExecutor(quantized).value();
  const std::vector<uint8_t> input = RandomInput(quantized, batch, 1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(executor->RunQuantized(input, batch));
  }
  state.SetLabel(executor->description());
  state.SetItemsProcessed(state.iterations() * batch);
}

void BM_Small32(benchmark::State& state) {
  RunNetwork(state, {.width = 0.5, .input_size = 32, .num_classes = 10},
             static_cast<int>(state.range(0)));
}
BENCHMARK(BM_Small32)
    ->Arg(1)
    ->Arg(4)
    ->Arg(8)
    ->Arg(16)
    ->Arg(32)
    ->Arg(64)
    ->Unit(benchmark::kMillisecond);

void BM_Small224(benchmark::State& state) {
  RunNetwork(state, {.width = 1.0, .input_size = 224, .num_classes = 1000},
             static_cast<int>(state.range(0)));
}
BENCHMARK(BM_Small224)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace frostnas::quant
