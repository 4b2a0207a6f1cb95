#include "quant/graph_executor.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "quant/grid.h"
#include "quant/layer_params.h"
#include "quant/package.h"
#include "quant/simd/elementwise.h"

namespace frostnas::quant {
namespace {

// Pixels below which splitting costs more than it saves.
constexpr int64_t kGrainPositions = 16384;

std::array<uint8_t, 256> ChannelTable(double mean, double stddev,
                                      const v1::ActivationGrid& grid) {
  std::array<uint8_t, 256> table;
  for (int pixel = 0; pixel < 256; ++pixel) {
    const double real = (pixel / 255.0 - mean) / stddev;
    table[pixel] = static_cast<uint8_t>(std::clamp(
        RoundHalfEven(real / grid.scale()) + grid.zero_point(), 0, kStoredMax));
  }
  return table;
}

std::array<uint8_t, 256> IdentityTable() {
  std::array<uint8_t, 256> table;
  for (int pixel = 0; pixel < 256; ++pixel) {
    table[pixel] = static_cast<uint8_t>(pixel);
  }
  return table;
}

}  // namespace

absl::StatusOr<ExecutableGraph> MakeExecutable(const v1::Package& package) {
  ExecutableGraph graph;
  ASSIGN_OR_RETURN(graph.quantized, QuantizedGraphOf(package));
  for (int c = 0; c < package.input().mean_size(); ++c) {
    graph.input_table.push_back(ChannelTable(package.input().mean(c),
                                             package.input().stddev(c),
                                             package.input().grid()));
  }
  return graph;
}

absl::StatusOr<ExecutableGraph> MakeExecutable(
    const QuantizedGraph& quantized) {
  RETURN_IF_ERROR(ValidateQuantizedGraph(quantized));
  ExecutableGraph graph;
  graph.quantized = quantized;
  graph.input_table.assign(quantized.graph.input.channels, IdentityTable());
  return graph;
}

GraphExecutor::GraphExecutor(ExecutableGraph graph)
    : graph_(std::move(graph)) {}

void GraphExecutor::Run(absl::Span<const uint8_t> pixels, int batch,
                        absl::Span<float> logits) {
  const absl::Span<uint8_t> input = Plan(batch);
  CHECK_EQ(pixels.size(), input.size());
  const int64_t channels = static_cast<int64_t>(graph_.input_table.size());
  const int64_t positions = static_cast<int64_t>(pixels.size()) / channels;
  Split(positions, kGrainPositions, [&](int64_t first, int64_t last) {
    const int64_t begin = first * channels;
    const int64_t count = (last - first) * channels;
    simd::LookUp(graph_.input_table, pixels.subspan(begin, count),
                 input.subspan(begin, count));
  });
  const absl::Span<const uint8_t> stored = Execute();
  CHECK_EQ(logits.size(), stored.size());
  const nn::AffineGrid grid = ToAffineGrid(
      quantized().grid(static_cast<int>(graph().layers.size()) - 1));
  for (size_t i = 0; i < stored.size(); ++i) {
    logits[i] = Dequantize(stored[i], grid);
  }
}

absl::Span<const uint8_t> GraphExecutor::RunQuantized(
    absl::Span<const uint8_t> input, int batch) {
  const absl::Span<uint8_t> planned = Plan(batch);
  CHECK_EQ(input.size(), planned.size());
  std::copy(input.begin(), input.end(), planned.begin());
  return Execute();
}

void GraphExecutor::Split(
    int64_t count, int64_t /*grain*/,
    absl::FunctionRef<void(int64_t begin, int64_t end)> body) const {
  body(0, count);
}

int64_t GraphExecutor::output_elements() const {
  return Elements(
      ShapeOf(graph(), static_cast<int>(graph().layers.size()) - 1));
}

double Top1(Executor& executor, absl::Span<const uint8_t> pixels,
            absl::Span<const int32_t> labels) {
  constexpr size_t kBatch = 64;
  if (labels.empty()) return 0;
  const size_t image_bytes = pixels.size() / labels.size();
  const size_t classes = executor.output_elements();
  std::vector<float> logits;
  int64_t correct = 0;
  for (size_t first = 0; first < labels.size(); first += kBatch) {
    const size_t count = std::min(kBatch, labels.size() - first);
    logits.resize(count * classes);
    executor.Run(pixels.subspan(first * image_bytes, count * image_bytes),
                 static_cast<int>(count), absl::MakeSpan(logits));
    for (size_t i = 0; i < count; ++i) {
      const auto begin = logits.begin() + i * classes;
      const auto largest = std::max_element(begin, begin + classes) - begin;
      correct += largest == labels[first + i] ? 1 : 0;
    }
  }
  return static_cast<double>(correct) / static_cast<double>(labels.size());
}

}  // namespace frostnas::quant
