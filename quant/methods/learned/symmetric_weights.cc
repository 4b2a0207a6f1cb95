#include "quant/methods/learned/symmetric_weights.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace frostnas::quant {
namespace {

// body(c, i): channel and index of every weight.
template <typename Body>
void ForEachWeight(const nn::ChannelLayout& layout, const Body& body) {
  for (int c = 0; c < layout.channels; ++c) {
    const int64_t first = int64_t{c} * layout.outer;
    for (int64_t i = 0; i < layout.count; ++i) {
      body(static_cast<size_t>(c),
           static_cast<size_t>(first + i * layout.inner));
    }
  }
}

Steps SymmetricSteps(int bits, float margin) {
  const float q_max = static_cast<float>((1 << (bits - 1)) - 1);
  return {.low = -q_max, .high = q_max, .margin = margin};
}

}  // namespace

SymmetricWeights::SymmetricWeights(int bits, float margin, bool train_weights)
    : steps_(SymmetricSteps(bits, margin)), train_weights_(train_weights) {}

void SymmetricWeights::Quantize(const nn::ChannelLayout& layout,
                                const std::vector<float>& weights,
                                std::vector<float>& quantized) {
  quantized.resize(weights.size());
  const std::vector<float> scale = scales();
  ForEachWeight(layout, [&](size_t c, size_t i) {
    const float v = std::clamp(weights[i] / scale[c], steps_.low, steps_.high);
    quantized[i] = RoundStep(v) * scale[c];
  });
}

void SymmetricWeights::Backward(const nn::ChannelLayout& layout,
                                const std::vector<float>& weights,
                                const std::vector<float>& diff_quantized,
                                std::vector<float>& diff_weights) {
  const std::vector<float> scale = scales();
  std::vector<double> diff_scale(scale.size(), 0.0);
  ForEachWeight(layout, [&](size_t c, size_t i) {
    const float v = weights[i] / scale[c];
    diff_scale[c] += double{diff_quantized[i]} * StepGradient(v, steps_);
    if (train_weights_) {
      diff_weights[i] += diff_quantized[i] * PassedGradient(v, steps_);
    }
  });
  AddGradient(diff_scale);
}

}  // namespace frostnas::quant
