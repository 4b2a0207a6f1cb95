// One operator of a planned network: pointers and primitive are fixed, Execute
// does the work.
//
// Thread-compatible.
#ifndef FROSTNAS_QUANT_ONEDNN_STEP_H_
#define FROSTNAS_QUANT_ONEDNN_STEP_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "quant/layer_params.h"
#include "quant/quantized_graph.h"

namespace frostnas::quant {

class Step {
 public:
  virtual ~Step() = default;
  virtual void Execute() = 0;
  // The implementation's name.
  virtual std::string kernel() const = 0;
};

// Tensors of a step, for `batch` images; not owned.
struct StepTensors {
  int batch = 1;
  const uint8_t* src[2] = {nullptr, nullptr};
  uint8_t* dst = nullptr;
};

// Any layer but dropout (which needs no step). INTERNAL: oneDNN cannot make
// the primitive, with its message.
absl::StatusOr<std::unique_ptr<Step>> MakeStep(const QuantizedGraph& quantized,
                                               int index,
                                               const StepTensors& tensors);

// Clamps the layer's stored output, which its step has written, to bounds that
// differ between its channels; null where there are none.
std::unique_ptr<Step> MakeClampStep(const QuantizedGraph& quantized, int index,
                                    const StepTensors& tensors);

// A convolution, depthwise convolution or linear layer. `params`' spans are
// used during the call only.
absl::StatusOr<std::unique_ptr<Step>> MakeConvStep(const ConvParams& params,
                                                   const StepTensors& tensors);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_ONEDNN_STEP_H_
