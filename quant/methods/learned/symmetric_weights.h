// Weights on symmetric grids whose scales are learned: what LSQ and trained
// thresholds share of LearnedWeights.
//
//   quantized = s_c clamp(round(w / s_c), -q, q),  q = 2^(bits - 1) - 1
//
// -2^(bits - 1) stays unused, as in every package.
//
// Thread-compatible.
#ifndef FROSTNAS_QUANT_METHODS_LEARNED_SYMMETRIC_WEIGHTS_H_
#define FROSTNAS_QUANT_METHODS_LEARNED_SYMMETRIC_WEIGHTS_H_

#include <vector>

#include "quant/methods/learned/learned_quantizer.h"
#include "quant/methods/learned/rounding_gradient.h"

namespace frostnas::quant {

class SymmetricWeights : public LearnedWeights {
 public:
  void Quantize(const nn::ChannelLayout& layout,
                const std::vector<float>& weights,
                std::vector<float>& quantized) final;
  void Backward(const nn::ChannelLayout& layout,
                const std::vector<float>& weights,
                const std::vector<float>& diff_quantized,
                std::vector<float>& diff_weights) final;

 protected:
  // `train_weights`: whether Backward adds to diff_weights. bits in [2, 8],
  // `margin` as of Steps.
  SymmetricWeights(int bits, float margin, bool train_weights);
  const Steps& steps() const { return steps_; }

 private:
  // ADDS to the parameter's gradient; `diff_scale` is the gradient by scales().
  virtual void AddGradient(const std::vector<double>& diff_scale) = 0;

  const Steps steps_;
  const bool train_weights_;
};

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_LEARNED_SYMMETRIC_WEIGHTS_H_
