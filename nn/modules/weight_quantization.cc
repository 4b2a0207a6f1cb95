#include "nn/modules/weight_quantization.h"

#include "nn/modules/weights.h"

namespace frostnas::nn {

void WeightQuantization::Set(const LayerQuantization& quantization) {
  bits_ = quantization.weight_bits;
  quantizer_ = quantization.weights;
}

void WeightQuantization::Prepare(const Parameter& weight) {
  if (quantizer_ != nullptr) {
    quantizer_->Quantize(layout_, weight.value, quantized_);
  } else if (bits_ > 0) {
    FakeQuantizeWeights(layout_, bits_, weight.value, quantized_);
  }
}

// The gradient by fake-quantized weights passes straight through.
std::vector<float>& WeightQuantization::StartBackward(Parameter& weight) {
  if (quantizer_ == nullptr) return weight.grad;
  diff_quantized_.assign(weight.value.size(), 0.0f);
  return diff_quantized_;
}

void WeightQuantization::EndBackward(Parameter& weight) {
  if (quantizer_ == nullptr) return;
  quantizer_->Backward(layout_, weight.value, diff_quantized_, weight.grad);
}

}  // namespace frostnas::nn
