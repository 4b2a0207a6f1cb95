// Start here for modules: the layers of a network as objects with an explicit
// forward and backward.
//
// A module owns its parameters and what its backward needs; the network owns
// the tensors between modules, sums gradients where a tensor has several
// consumers, and fake-quantizes the outputs of modules that do not do it
// themselves (quantizes_output).
//
// Thread-compatible; computing uses the compute threads (nn/threads.h).
#ifndef FROSTNAS_NN_MODULES_MODULE_H_
#define FROSTNAS_NN_MODULES_MODULE_H_

#include <vector>

#include "absl/types/span.h"
#include "nn/mode.h"
#include "nn/parameter.h"
#include "nn/quant_hooks.h"
#include "nn/tensor.h"

namespace frostnas::nn {

class Module {
 public:
  using Sources = absl::Span<const Tensor* const>;

  virtual ~Module() = default;

  // Resizes and ASSIGNS dst, which is none of src.
  virtual void Forward(Sources src, Mode mode, Tensor& dst) = 0;

  // After Forward(kTrain) with the same src, unchanged. ADDS to the parameters'
  // gradients; resizes and ASSIGNS each diff_src that is not null. diff_dst is
  // scratch afterwards. No two of the tensors are the same.
  virtual void Backward(Sources src, Tensor& diff_dst,
                        absl::Span<Tensor* const> diff_src) = 0;

  // True: the gradient by every source equals diff_dst, and Backward need not
  // be called.
  virtual bool passes_gradient() const { return false; }

  // True: the module fake-quantizes its own output as SetQuantization says.
  virtual bool quantizes_output() const { return false; }
  virtual void SetQuantization(const LayerQuantization& /*quantization*/) {}

  // In the order weight, bias, gamma, beta; pointers stay valid.
  virtual std::vector<Parameter*> parameters() { return {}; }
  virtual std::vector<StateBuffer*> state() { return {}; }
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_MODULES_MODULE_H_
