#include "quant/methods/layerwise/layer_forward.h"

#include <algorithm>
#include <limits>

#include "nn/onednn/gemm.h"

namespace frostnas::quant {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

LayerForward::LayerForward(const arch::Layer& layer, const FoldedLayer& folded)
    : folded_(folded),
      geometry_(GeometryOf(layer)),
      low_(layer.activation == v1::ACTIVATION_RELU ||
                   layer.activation == v1::ACTIVATION_RELU6
               ? 0
               : -kInfinity),
      high_(layer.activation == v1::ACTIVATION_RELU6 ? 6 : kInfinity) {}

void LayerForward::Multiply(const LayerSamples& samples,
                            absl::Span<const float> weights) {
  const int channels = geometry_.out_channels;
  const int64_t elements = geometry_.filter_elements();
  sums_.assign(int64_t{samples.positions} * channels, 0.0f);
  if (!geometry_.depthwise) {
    nn::Gemm({.b = nn::Transpose::kYes,
              .rows = samples.positions,
              .columns = channels,
              .inner = elements},
             samples.patches.data(), weights.data(), sums_.data());
    return;
  }
  for (int n = 0; n < samples.positions; ++n) {
    const float* patch = &samples.patches[n * elements * channels];
    float* sums = &sums_[int64_t{n} * channels];
    for (int64_t i = 0; i < elements; ++i) {
      for (int c = 0; c < channels; ++c) {
        sums[c] += patch[i * channels + c] * weights[i * channels + c];
      }
    }
  }
}

// From the sums' gradients.
void LayerForward::MultiplyBack(const LayerSamples& samples,
                                absl::Span<float> gradient) {
  const int channels = geometry_.out_channels;
  const int64_t elements = geometry_.filter_elements();
  if (!geometry_.depthwise) {
    nn::Gemm({.a = nn::Transpose::kYes,
              .rows = channels,
              .columns = elements,
              .inner = samples.positions},
             sums_.data(), samples.patches.data(), gradient.data());
    return;
  }
  std::fill(gradient.begin(), gradient.end(), 0.0f);
  for (int n = 0; n < samples.positions; ++n) {
    const float* patch = &samples.patches[n * elements * channels];
    const float* diff = &sums_[int64_t{n} * channels];
    for (int64_t i = 0; i < elements; ++i) {
      for (int c = 0; c < channels; ++c) {
        gradient[i * channels + c] += patch[i * channels + c] * diff[c];
      }
    }
  }
}

const std::vector<float>& LayerForward::Forward(
    const LayerSamples& samples, absl::Span<const float> weights) {
  Multiply(samples, weights);
  const size_t channels = geometry_.out_channels;
  outputs_.resize(sums_.size());
  for (size_t i = 0; i < sums_.size(); ++i) {
    const size_t c = i % channels;
    sums_[i] += folded_.bias[c];
    outputs_[i] = std::clamp(sums_[i], low_, high_);
    if (!folded_.post_scale.empty()) {
      outputs_[i] = folded_.post_scale[c] * outputs_[i] + folded_.post_shift[c];
    }
  }
  return outputs_;
}

double LayerForward::Error(const LayerSamples& samples,
                           absl::Span<const float> weights) {
  Forward(samples, weights);
  double sum = 0;
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const double error = double{outputs_[i]} - samples.outputs[i];
    sum += error * error;
  }
  return sum / samples.positions;
}

void LayerForward::Gradient(const LayerSamples& samples,
                            absl::Span<const float> weights,
                            absl::Span<float> gradient) {
  Forward(samples, weights);
  const size_t channels = geometry_.out_channels;
  const float scale = 2.0f / static_cast<float>(samples.positions);
  for (size_t i = 0; i < outputs_.size(); ++i) {
    float diff = scale * (outputs_[i] - samples.outputs[i]);
    if (!folded_.post_scale.empty()) diff *= folded_.post_scale[i % channels];
    const bool inside = sums_[i] > low_ && sums_[i] < high_;
    sums_[i] = inside ? diff : 0;
  }
  MultiplyBack(samples, gradient);
}

}  // namespace frostnas::quant
