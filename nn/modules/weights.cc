#include "nn/modules/weights.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"

namespace frostnas::nn {

Parameter MakeParameter(absl::string_view layer, absl::string_view suffix,
                        ParameterRole role, std::vector<int> shape) {
  const int size =
      std::accumulate(shape.begin(), shape.end(), 1, std::multiplies<int>());
  Parameter parameter;
  parameter.name = absl::StrCat(layer, ".", suffix);
  parameter.role = role;
  parameter.shape = std::move(shape);
  parameter.value.assign(size, 0.0f);
  parameter.grad.assign(size, 0.0f);
  return parameter;
}

void InitKaimingNormal(int fan_out, Random random, Parameter& parameter) {
  const double deviation = std::sqrt(2.0 / fan_out);
  for (float& value : parameter.value) {
    value = static_cast<float>(deviation * random.Normal());
  }
}

void InitUniformFanIn(int fan_in, Random random, Parameter& parameter) {
  const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
  for (float& value : parameter.value) {
    value = static_cast<float>(random.Uniform(-bound, bound));
  }
}

ChannelLayout DenseLayout(int channels, int count) {
  return {.channels = channels, .count = count, .outer = count, .inner = 1};
}

ChannelLayout DepthwiseLayout(int channels, int count) {
  return {.channels = channels, .count = count, .outer = 1, .inner = channels};
}

void FakeQuantizeWeights(const ChannelLayout& layout, int bits,
                         const std::vector<float>& weights,
                         std::vector<float>& quantized) {
  quantized.resize(weights.size());
  const float q_max = static_cast<float>((1 << (bits - 1)) - 1);
  for (int c = 0; c < layout.channels; ++c) {
    const int begin = c * layout.outer;
    const int end = begin + layout.count * layout.inner;
    float largest = 0;
    for (int i = begin; i < end; i += layout.inner) {
      largest = std::max(largest, std::abs(weights[i]));
    }
    const float scale = largest / q_max;
    // 0 for a channel of zeros, or of values too small to divide by.
    const float inverse = scale > 0 ? 1 / scale : 0;
    const bool usable = inverse > 0 && std::isfinite(inverse);
    for (int i = begin; i < end; i += layout.inner) {
      quantized[i] =
          usable ? std::nearbyint(weights[i] * inverse) * scale : weights[i];
    }
  }
}

}  // namespace frostnas::nn
