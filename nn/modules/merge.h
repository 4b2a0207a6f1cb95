// Modules with two sources: channel concatenation and addition.
//
// Gradients: diff_src are ASSIGNED.
#ifndef FROSTNAS_NN_MODULES_MERGE_H_
#define FROSTNAS_NN_MODULES_MERGE_H_

#include "nn/modules/module.h"

namespace frostnas::nn {

// dst (n, h, w, c0 + c1): the channels of src[0], then those of src[1].
class Concat : public Module {
 public:
  void Forward(Sources src, Mode mode, Tensor& dst) override;
  void Backward(Sources src, Tensor& diff_dst,
                absl::Span<Tensor* const> diff_src) override;
};

// dst = src[0] + src[1], of one shape.
class Add : public Module {
 public:
  void Forward(Sources src, Mode mode, Tensor& dst) override;
  void Backward(Sources src, Tensor& diff_dst,
                absl::Span<Tensor* const> diff_src) override;
  bool passes_gradient() const override { return true; }
};

// to += from, of one shape: sums gradients of a tensor's consumers.
void AddInPlace(const Tensor& from, Tensor& to);
// to = from.
void Copy(const Tensor& from, Tensor& to);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_MODULES_MERGE_H_
