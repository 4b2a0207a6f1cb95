// dst (n, 1, 1, c_out) = src (n, 1, 1, c_in) * weight^T + bias.
//
// Weights (c_out, 1, 1, c_in) are quantized as SetQuantization says; the output
// is left to the caller. Backward: parameters' gradients are ADDED, diff_src is
// ASSIGNED.
#ifndef FROSTNAS_NN_MODULES_LINEAR_H_
#define FROSTNAS_NN_MODULES_LINEAR_H_

#include <string>

#include "base/random.h"
#include "nn/modules/module.h"
#include "nn/modules/weight_quantization.h"

namespace frostnas::nn {

class Linear : public Module {
 public:
  // Weights uniform within 1 / sqrt(c_in), bias 0.
  Linear(const std::string& name, int c_in, int c_out, const Random& random);

  void Forward(Sources src, Mode mode, Tensor& dst) override;
  void Backward(Sources src, Tensor& diff_dst,
                absl::Span<Tensor* const> diff_src) override;
  void SetQuantization(const LayerQuantization& quantization) override {
    weights_.Set(quantization);
  }
  std::vector<Parameter*> parameters() override { return {&weight_, &bias_}; }

 private:
  const int c_in_;
  const int c_out_;
  Parameter weight_, bias_;
  WeightQuantization weights_;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_MODULES_LINEAR_H_
