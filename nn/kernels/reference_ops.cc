#include "nn/kernels/reference_ops.h"

#include <cmath>
#include <cstddef>

namespace frostnas::nn::reference {
namespace {

// Index in src of pixel (y, x) of the window of output element `i`.
size_t WindowIndex(const Pool& pool, size_t i, int y, int x) {
  const Shape dst = pool.dst();
  const size_t c = i % dst.c;
  const size_t ow = i / dst.c % dst.w;
  const size_t oh = i / dst.c / dst.w % dst.h;
  const size_t n = i / dst.c / dst.w / dst.h;
  const size_t row = n * pool.src.h + oh * pool.stride + y;
  return (row * pool.src.w + ow * pool.stride + x) * pool.src.c + c;
}

// Calls body(index in src) for the pixels of output element i's window.
template <typename Body>
void ForEachInWindow(const Pool& pool, size_t i, const Body& body) {
  for (int y = 0; y < pool.kernel; ++y) {
    for (int x = 0; x < pool.kernel; ++x) body(WindowIndex(pool, i, y, x));
  }
}

size_t LargestInWindow(const Pool& pool, const Values& src, size_t i) {
  size_t largest = WindowIndex(pool, i, 0, 0);
  ForEachInWindow(pool, i, [&](size_t at) {
    if (src[at] > src[largest]) largest = at;
  });
  return largest;
}

// log(sum(exp(row))).
double LogSum(const float* row, int classes) {
  double sum = 0;
  for (int c = 0; c < classes; ++c) sum += std::exp(double{row[c]});
  return std::log(sum);
}

}  // namespace

Values Add(const Values& a, const Values& b) {
  Values sum(a.size());
  for (size_t i = 0; i < a.size(); ++i) sum[i] = a[i] + b[i];
  return sum;
}

Values Concat(const Values& a, int a_channels, const Values& b,
              int b_channels) {
  Values joined;
  for (size_t row = 0; row < a.size() / a_channels; ++row) {
    for (int c = 0; c < a_channels; ++c)
      joined.push_back(a[row * a_channels + c]);
    for (int c = 0; c < b_channels; ++c)
      joined.push_back(b[row * b_channels + c]);
  }
  return joined;
}

Values Slice(const Values& src, int channels, int first, int count) {
  Values slice;
  for (size_t row = 0; row < src.size() / channels; ++row) {
    for (int c = 0; c < count; ++c) {
      slice.push_back(src[row * channels + first + c]);
    }
  }
  return slice;
}

Values MaxPoolForward(const Pool& pool, const Values& src) {
  Values dst(static_cast<size_t>(pool.dst().elements()));
  for (size_t i = 0; i < dst.size(); ++i) {
    dst[i] = src[LargestInWindow(pool, src, i)];
  }
  return dst;
}

Values MaxPoolBackward(const Pool& pool, const Values& src,
                       const Values& diff_dst) {
  Values diff_src(src.size());
  for (size_t i = 0; i < diff_dst.size(); ++i) {
    diff_src[LargestInWindow(pool, src, i)] += diff_dst[i];
  }
  return diff_src;
}

Values AveragePoolForward(const Pool& pool, const Values& src) {
  Values dst(static_cast<size_t>(pool.dst().elements()));
  for (size_t i = 0; i < dst.size(); ++i) {
    double sum = 0;
    ForEachInWindow(pool, i, [&](size_t at) { sum += src[at]; });
    dst[i] = static_cast<float>(sum / (pool.kernel * pool.kernel));
  }
  return dst;
}

Values AveragePoolBackward(const Pool& pool, const Values& diff_dst) {
  std::vector<double> sums(static_cast<size_t>(pool.src.elements()));
  for (size_t i = 0; i < diff_dst.size(); ++i) {
    ForEachInWindow(pool, i, [&](size_t at) {
      sums[at] += double{diff_dst[i]} / (pool.kernel * pool.kernel);
    });
  }
  return Values(sums.begin(), sums.end());
}

Values Dropout(const Values& src, const std::vector<bool>& dropped,
               float probability) {
  Values dst(src.size());
  for (size_t i = 0; i < src.size(); ++i) {
    dst[i] = dropped[i] ? 0 : src[i] / (1 - probability);
  }
  return dst;
}

Values LinearForward(const LinearShape& shape, const Values& src,
                     const Values& weights, const Values& bias) {
  Values dst;
  for (int n = 0; n < shape.n; ++n) {
    for (int o = 0; o < shape.c_out; ++o) {
      double sum = bias[o];
      for (int i = 0; i < shape.c_in; ++i) {
        sum += double{src[n * shape.c_in + i]} * weights[o * shape.c_in + i];
      }
      dst.push_back(static_cast<float>(sum));
    }
  }
  return dst;
}

LinearGradients LinearBackward(const LinearShape& shape, const Values& src,
                               const Values& weights, const Values& diff_dst) {
  std::vector<double> diff_src(src.size());
  std::vector<double> diff_weights(weights.size());
  std::vector<double> diff_bias(static_cast<size_t>(shape.c_out));
  for (int n = 0; n < shape.n; ++n) {
    for (int o = 0; o < shape.c_out; ++o) {
      const double diff = diff_dst[n * shape.c_out + o];
      diff_bias[o] += diff;
      for (int i = 0; i < shape.c_in; ++i) {
        diff_src[n * shape.c_in + i] += diff * weights[o * shape.c_in + i];
        diff_weights[o * shape.c_in + i] += diff * src[n * shape.c_in + i];
      }
    }
  }
  return {.diff_src = Values(diff_src.begin(), diff_src.end()),
          .diff_weights = Values(diff_weights.begin(), diff_weights.end()),
          .diff_bias = Values(diff_bias.begin(), diff_bias.end())};
}

double CrossEntropy(const Values& logits, const Values& target, int classes) {
  double sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const size_t row = i / classes * classes;
    sum -= target[i] * (logits[i] - LogSum(logits.data() + row, classes));
  }
  return sum / (static_cast<double>(logits.size()) / classes);
}

Values CrossEntropyGradient(const Values& logits, const Values& target,
                            int classes) {
  const double rows = static_cast<double>(logits.size()) / classes;
  Values diff(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    const size_t row = i / classes * classes;
    const double probability =
        std::exp(logits[i] - LogSum(logits.data() + row, classes));
    diff[i] = static_cast<float>((probability - target[i]) / rows);
  }
  return diff;
}

Values SmoothedTarget(const std::vector<int32_t>& labels, int classes,
                      float smoothing) {
  Values target(labels.size() * classes, smoothing / classes);
  for (size_t i = 0; i < labels.size(); ++i) {
    target[i * classes + labels[i]] += 1 - smoothing;
  }
  return target;
}

}  // namespace frostnas::nn::reference
