#include "nn/kernels/reference_norm.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace frostnas::nn::reference {
namespace {

// dst[i] = f(src[i], channel of i).
template <typename F>
Values Map(const Values& src, size_t channels, const F& f) {
  Values dst(src.size());
  for (size_t i = 0; i < src.size(); ++i) {
    dst[i] = static_cast<float>(f(i, i % channels));
  }
  return dst;
}

// Sums of f(i) over the rows of each channel.
template <typename F>
std::vector<double> SumRows(size_t elements, size_t channels, const F& f) {
  std::vector<double> sums(channels);
  for (size_t i = 0; i < elements; ++i) sums[i % channels] += f(i);
  return sums;
}

Values ToFloat(const std::vector<double>& values) {
  return Values(values.begin(), values.end());
}

// diff_dst where `passes(value)`, else 0.
template <typename Passes>
Values Gate(const Values& src, const Values& diff_dst, const Passes& passes) {
  return Map(src, 1, [&](size_t i, size_t) {
    return passes(src[i]) ? diff_dst[i] : 0;
  });
}

}  // namespace

Moments BatchMoments(const Values& src, int channels) {
  const size_t c = static_cast<size_t>(channels);
  const double rows = static_cast<double>(src.size() / c);
  Moments moments;
  moments.mean = SumRows(src.size(), c, [&](size_t i) { return src[i]; });
  for (double& mean : moments.mean) mean /= rows;
  moments.variance = SumRows(src.size(), c, [&](size_t i) {
    const double d = src[i] - moments.mean[i % c];
    return d * d;
  });
  for (double& variance : moments.variance) variance /= rows;
  return moments;
}

Values BatchNormForward(const BatchNorm& norm, const Moments& moments,
                        const Values& src) {
  return Map(src, norm.gamma.size(), [&](size_t i, size_t c) {
    const double xhat = (src[i] - moments.mean[c]) /
                        std::sqrt(moments.variance[c] + norm.epsilon);
    return norm.gamma[c] * xhat + norm.beta[c];
  });
}

BatchNormGradients BatchNormBackward(const BatchNorm& norm, const Values& src,
                                     const Values& diff_dst) {
  const size_t channels = norm.gamma.size();
  const double rows = static_cast<double>(src.size() / channels);
  const Moments moments = BatchMoments(src, static_cast<int>(channels));
  std::vector<double> deviation;
  for (double variance : moments.variance) {
    deviation.push_back(std::sqrt(variance + norm.epsilon));
  }
  const auto xhat = [&](size_t i) {
    const size_t c = i % channels;
    return (src[i] - moments.mean[c]) / deviation[c];
  };
  const std::vector<double> sum =
      SumRows(src.size(), channels, [&](size_t i) { return diff_dst[i]; });
  const std::vector<double> sum_xhat = SumRows(
      src.size(), channels, [&](size_t i) { return diff_dst[i] * xhat(i); });
  return {.diff_src = Map(src, channels,
                          [&](size_t i, size_t c) {
                            return norm.gamma[c] / deviation[c] *
                                   (diff_dst[i] - sum[c] / rows -
                                    xhat(i) * sum_xhat[c] / rows);
                          }),
          .diff_gamma = ToFloat(sum_xhat),
          .diff_beta = ToFloat(sum)};
}

Values ClampForward(const Values& src, float low, float high) {
  return Map(src, 1, [&](size_t i, size_t) {
    return std::min(std::max(src[i], low), high);
  });
}

Values ClampBackward(const Values& src, float low, float high,
                     const Values& diff_dst) {
  return Gate(src, diff_dst, [&](float x) { return low < x && x < high; });
}

Values FakeQuantizeForward(const Values& src, const AffineGrid& grid) {
  return Map(src, 1, [&](size_t i, size_t) {
    const double q = std::nearbyint(src[i] / grid.scale) + grid.zero_point;
    const double inside = std::clamp<double>(q, grid.qmin, grid.qmax);
    return grid.scale * (inside - grid.zero_point);
  });
}

Values FakeQuantizeBackward(const Values& src, const AffineGrid& grid,
                            const Values& diff_dst) {
  return Gate(src, diff_dst, [&](float x) {
    const double q = x / grid.scale + grid.zero_point;
    return grid.qmin - 0.5 < q && q < grid.qmax + 0.5;
  });
}

Values FakeQuantizeWeights(const Values& weights, int channels, int bits) {
  const size_t count = weights.size() / static_cast<size_t>(channels);
  const double q_max = (1 << (bits - 1)) - 1;
  Values quantized = weights;
  for (size_t first = 0; first < weights.size(); first += count) {
    double largest = 0;
    for (size_t i = first; i < first + count; ++i) {
      largest = std::max(largest, std::abs(double{weights[i]}));
    }
    if (largest == 0) continue;
    const double scale = largest / q_max;
    for (size_t i = first; i < first + count; ++i) {
      quantized[i] =
          static_cast<float>(std::nearbyint(weights[i] / scale) * scale);
    }
  }
  return quantized;
}

}  // namespace frostnas::nn::reference
