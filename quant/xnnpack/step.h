// One operator of a planned network, by XNNPACK or, for additions, by our own
// kernel.
//
// Tensors are signed: XNNPACK's QS8 and QC8 operators take our stored values
// minus 128, zero points as well.
//
// Thread-compatible; XNNPACK must be initialized and outlive its steps.
#ifndef FROSTNAS_QUANT_XNNPACK_STEP_H_
#define FROSTNAS_QUANT_XNNPACK_STEP_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "quant/quantized_graph.h"
#include "quant/xnnpack/runtime.h"

namespace frostnas::quant {

// Where the pixels of a step's tensors lie; fixed for its life. Strides are
// values from pixel to pixel.
struct StepLayout {
  int src_stride[2] = {0, 0};
  int dst_stride = 0;
  // Inputs of a concatenation that lie in its output already.
  bool in_place[2] = {false, false};
};

// First values of a step's tensors, for `batch` images; not owned. Readable
// for XNN_EXTRA_BYTES behind the last value.
struct StepTensors {
  int batch = 1;
  const int8_t* src[2] = {nullptr, nullptr};
  int8_t* dst = nullptr;
};

class Step {
 public:
  virtual ~Step() = default;
  // Before Execute, whenever the tensors change. INTERNAL: XNNPACK refuses.
  virtual absl::Status SetUp(const StepTensors& tensors,
                             const ThreadPool& threads) = 0;
  virtual void Execute() = 0;
  // The implementation's name.
  virtual std::string kernel() const = 0;
};

// The steps of any layer; none for a dropout and for a concatenation of what
// is in place. Layers that XNNPACK has no operator for (a grid that allows one
// value only, a rescaling by more than 2^8) are computed by the integer
// reference, slowly, and say so in kernel(). INTERNAL: XNNPACK is not
// initialized or out of memory.
absl::StatusOr<std::vector<std::unique_ptr<Step>>> MakeSteps(
    const QuantizedGraph& quantized, int index, const StepLayout& layout);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_XNNPACK_STEP_H_
