// The executor of phones: quant/executor.h by XNNPACK.
//
// Gives the bits of the integer reference: XNNPACK's convolutions and pools do,
// and additions, where it does not, are ours (add_step.h). The contract asks
// for less (design.md 5).
#ifndef FROSTNAS_QUANT_XNNPACK_XNNPACK_EXECUTOR_H_
#define FROSTNAS_QUANT_XNNPACK_XNNPACK_EXECUTOR_H_

#include <memory>

#include "absl/status/statusor.h"
#include "proto/frostnas/v1/package.pb.h"
#include "quant/executor.h"
#include "quant/quantized_graph.h"

namespace frostnas::quant {

struct XnnpackOptions {
  // Shared with other executors of so many; 1: the calling thread alone.
  int threads = 1;
  // As in ExecutorOptions.
  bool keep_layer_outputs = false;
};

// As in executor.h. FAILED_PRECONDITION: XNNPACK does not run on this
// processor. kernels() names the layers that the integer reference computes
// because XNNPACK cannot.
absl::StatusOr<std::unique_ptr<Executor>> CreateXnnpackExecutor(
    const v1::Package& package, const XnnpackOptions& options = {});
absl::StatusOr<std::unique_ptr<Executor>> CreateXnnpackExecutor(
    const QuantizedGraph& quantized, const XnnpackOptions& options = {});

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_XNNPACK_XNNPACK_EXECUTOR_H_
