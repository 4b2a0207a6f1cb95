// A layer's weights as its passes use them: as they are, fake-quantized per
// output channel, or as a WeightQuantizer makes them.
//
//   weights.Prepare(weight_);                   // once a forward pass
//   ... multiply by weights.values(weight_) ...
//   ... add to weights.StartBackward(weight_) ...
//   weights.EndBackward(weight_);
//
// Thread-compatible.
#ifndef FROSTNAS_NN_MODULES_WEIGHT_QUANTIZATION_H_
#define FROSTNAS_NN_MODULES_WEIGHT_QUANTIZATION_H_

#include <vector>

#include "nn/parameter.h"
#include "nn/quant_hooks.h"

namespace frostnas::nn {

class WeightQuantization {
 public:
  explicit WeightQuantization(const ChannelLayout& layout) : layout_(layout) {}

  void Set(const LayerQuantization& quantization);

  void Prepare(const Parameter& weight);
  // Of the last Prepare; the parameter's own where nothing is quantized.
  const std::vector<float>& values(const Parameter& weight) const {
    return quantizes() ? quantized_ : weight.value;
  }

  // Where a backward pass ADDS the gradient by values().
  std::vector<float>& StartBackward(Parameter& weight);
  // Takes it on to weight.grad, where it is not that already.
  void EndBackward(Parameter& weight);

 private:
  bool quantizes() const { return quantizer_ != nullptr || bits_ > 0; }

  const ChannelLayout layout_;
  int bits_ = 0;
  WeightQuantizer* quantizer_ = nullptr;
  std::vector<float> quantized_;
  std::vector<float> diff_quantized_;  // with a quantizer_
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_MODULES_WEIGHT_QUANTIZATION_H_
