// Runs an INT8 package by integer arithmetic (design.md 5).
//
// Three implementations of one contract: the integer reference in plain C++,
// which gives the bits (quant/kernels); the oneDNN executor (quant/onednn),
// which agrees but for float rounding ties: never more than one step, at most
// one value in 10^5, the same top-1; and XNNPACK's, for phones
// (quant/xnnpack/xnnpack_executor.h).
//
// Creation: INVALID_ARGUMENT: the package is inconsistent, naming the layer.
// Thread-compatible: one executor, one thread at a time.
#ifndef FROSTNAS_QUANT_EXECUTOR_H_
#define FROSTNAS_QUANT_EXECUTOR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "proto/frostnas/v1/package.pb.h"
#include "quant/quantized_graph.h"

namespace frostnas::quant {

class Executor {
 public:
  virtual ~Executor() = default;

  // pixels: uint8 NHWC, `batch` images of the package's input size and
  // channels, raw 0..255. logits: (batch, classes), dequantized. Buffers are
  // planned for the batch size and reused while it stays the same.
  virtual void Run(absl::Span<const uint8_t> pixels, int batch,
                   absl::Span<float> logits) = 0;

  // The same without the input transform and the dequantization, for latency:
  // the work of a network whose input is already quantized. `input` holds
  // batch * size * size * channels stored values; returns stored logits.
  virtual absl::Span<const uint8_t> RunQuantized(
      absl::Span<const uint8_t> input, int batch) = 0;

  // Stored output of layer `index` after the last run, for executors created
  // with keep_layer_outputs (agreement tests, analysis).
  virtual absl::Span<const uint8_t> layer_output(int index) const = 0;

  // Values an image gives: classes, or more for graphs without a classifier.
  virtual int64_t output_elements() const = 0;

  // Executor, version, ISA: "onednn 2.6.3 avx512_core_vnni"; says so when the
  // kernels of this processor could saturate in 16 bits.
  virtual std::string description() const = 0;
  // "LAYER: implementation" for every layer, for debugging and results.
  virtual std::vector<std::string> kernels() const = 0;
};

struct ExecutorOptions {
  // Every layer's output stays readable after a run; else buffers are shared
  // between layers, which is faster. The reference always keeps them.
  bool keep_layer_outputs = false;
};

absl::StatusOr<std::unique_ptr<Executor>> CreateReferenceExecutor(
    const v1::Package& package);
absl::StatusOr<std::unique_ptr<Executor>> CreateOnednnExecutor(
    const v1::Package& package, const ExecutorOptions& options = {});

// Of a graph without input transform: Run() takes stored values as pixels.
// The graph need not end in a classifier; Run() dequantizes whatever it gives.
absl::StatusOr<std::unique_ptr<Executor>> CreateReferenceExecutor(
    const QuantizedGraph& quantized);
absl::StatusOr<std::unique_ptr<Executor>> CreateOnednnExecutor(
    const QuantizedGraph& quantized, const ExecutorOptions& options = {});

// Share of `labels` for which the executor's largest logit is the label.
// Batches of 64.
double Top1(Executor& executor, absl::Span<const uint8_t> pixels,
            absl::Span<const int32_t> labels);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_EXECUTOR_H_
