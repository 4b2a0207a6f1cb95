#include "nn/modules/weights.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

// Half to even, for |x| < 2^22: adding 1.5 * 2^23 leaves no bits for a
// fraction. A call of nearbyint would cost more than the rest of the pass.
float Round(float x) {
  constexpr float kNoFraction = 12582912.0f;
  return (x + kNoFraction) - kNoFraction;
}

// One channel's weights, layout.inner apart.
void QuantizeChannel(const ChannelLayout& layout, float q_max,
                     const float* weights, float* quantized) {
  const int end = layout.count * layout.inner;
  float largest = 0;
  for (int i = 0; i < end; i += layout.inner) {
    largest = std::max(largest, std::abs(weights[i]));
  }
  const float scale = largest / q_max;
  const float inverse = 1 / scale;
  // A channel of zeros, or of values too small to divide by.
  const bool usable = scale > 0 && std::isfinite(inverse);
  for (int i = 0; i < end; i += layout.inner) {
    quantized[i] = usable ? Round(weights[i] * inverse) * scale : weights[i];
  }
}

}  // namespace

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
  const int64_t grain = std::max(1, (1 << 13) / layout.count);
  ParallelFor(layout.channels, grain, [&](const Part& part) {
    for (int64_t c = part.begin; c < part.end; ++c) {
      const size_t first = static_cast<size_t>(c * layout.outer);
      QuantizeChannel(layout, q_max, weights.data() + first,
                      quantized.data() + first);
    }
  });
}

}  // namespace frostnas::nn
