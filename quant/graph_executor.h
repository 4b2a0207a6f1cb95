// What executors have in common: the input transform, the dequantization and
// the checks on buffer sizes. An executor adds Plan and Execute.
//
// Thread-compatible.
#ifndef FROSTNAS_QUANT_GRAPH_EXECUTOR_H_
#define FROSTNAS_QUANT_GRAPH_EXECUTOR_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "proto/frostnas/v1/package.pb.h"
#include "quant/executor.h"
#include "quant/quantized_graph.h"

namespace frostnas::quant {

// A checked graph and the stored value of each pixel value, by input channel.
struct ExecutableGraph {
  QuantizedGraph quantized;
  std::vector<std::array<uint8_t, 256>> input_table;
};

// INVALID_ARGUMENT: see ValidatePackage and ValidateQuantizedGraph. The second
// form passes pixels through as they are.
absl::StatusOr<ExecutableGraph> MakeExecutable(const v1::Package& package);
absl::StatusOr<ExecutableGraph> MakeExecutable(const QuantizedGraph& quantized);

class GraphExecutor : public Executor {
 public:
  void Run(absl::Span<const uint8_t> pixels, int batch,
           absl::Span<float> logits) final;
  absl::Span<const uint8_t> RunQuantized(absl::Span<const uint8_t> input,
                                         int batch) final;
  int64_t output_elements() const final;

 protected:
  explicit GraphExecutor(ExecutableGraph graph);

  // Prepares buffers for `batch` and returns the one of the input, which the
  // caller fills before Execute.
  virtual absl::Span<uint8_t> Plan(int batch) = 0;
  // Runs all layers; the last layer's stored output.
  virtual absl::Span<const uint8_t> Execute() = 0;
  // Covers [0, count) with calls of `body`, in any order, on any threads; no
  // range but the last is shorter than `grain`. Here: one call.
  virtual void Split(
      int64_t count, int64_t grain,
      absl::FunctionRef<void(int64_t begin, int64_t end)> body) const;

  const QuantizedGraph& quantized() const { return graph_.quantized; }
  const arch::Graph& graph() const { return graph_.quantized.graph; }

 private:
  ExecutableGraph graph_;
};

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_GRAPH_EXECUTOR_H_
