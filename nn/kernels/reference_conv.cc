#include "nn/kernels/reference_conv.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace frostnas::nn::reference {
namespace {

// One multiplication's place: pixel indices (not yet times channels) of src and
// dst, and kh * kernel + kw.
struct Tap {
  int64_t src;
  int64_t dst;
  int64_t weights;
};

// Calls `body` for every tap of every output pixel that falls inside src.
template <typename Body>
void ForEachTap(const ConvShape& s, const Body& body) {
  const int64_t outputs = s.dst().rows();
  const int taps = s.kernel * s.kernel;
  for (int64_t dst = 0; dst < outputs; ++dst) {
    const int64_t n = dst / (s.out_h() * s.out_w());
    const int oh = static_cast<int>(dst / s.out_w() % s.out_h());
    const int ow = static_cast<int>(dst % s.out_w());
    for (int tap = 0; tap < taps; ++tap) {
      const int ih = oh * s.stride + tap / s.kernel - s.pad();
      const int iw = ow * s.stride + tap % s.kernel - s.pad();
      if (ih < 0 || ih >= s.h || iw < 0 || iw >= s.w) continue;
      body(Tap{.src = (n * s.h + ih) * s.w + iw, .dst = dst, .weights = tap});
    }
  }
}

// Calls `body` with the indices in src, dst and weights of every product.
template <typename Body>
void ForEachDenseProduct(const ConvShape& s, const Body& body) {
  const int64_t taps = int64_t{s.kernel} * s.kernel;
  ForEachTap(s, [&](const Tap& tap) {
    for (int64_t o = 0; o < s.c_out; ++o) {
      for (int64_t i = 0; i < s.c_in; ++i) {
        body(tap.src * s.c_in + i, tap.dst * s.c_out + o,
             (o * taps + tap.weights) * s.c_in + i);
      }
    }
  });
}

template <typename Body>
void ForEachDepthwiseProduct(const ConvShape& s, const Body& body) {
  ForEachTap(s, [&](const Tap& tap) {
    for (int64_t c = 0; c < s.c_in; ++c) {
      body(tap.src * s.c_in + c, tap.dst * s.c_in + c,
           tap.weights * s.c_in + c);
    }
  });
}

// float arrays summed in double.
class Sums {
 public:
  explicit Sums(int64_t count) : sums_(static_cast<size_t>(count)) {}
  double& operator[](int64_t i) { return sums_[static_cast<size_t>(i)]; }
  void AssignTo(float* out) const {
    std::transform(sums_.begin(), sums_.end(), out,
                   [](double sum) { return static_cast<float>(sum); });
  }
  void AddTo(float* out) const {
    for (double sum : sums_) *out++ += static_cast<float>(sum);
  }

 private:
  std::vector<double> sums_;
};

double Product(float a, float b) { return double{a} * double{b}; }

}  // namespace

void ConvForward(const ConvShape& shape, const float* src, const float* weights,
                 float* dst) {
  Sums sums(shape.dst_elements());
  ForEachDenseProduct(shape, [&](int64_t s, int64_t d, int64_t w) {
    sums[d] += Product(src[s], weights[w]);
  });
  sums.AssignTo(dst);
}

void ConvBackwardData(const ConvShape& shape, const float* diff_dst,
                      const float* weights, float* diff_src) {
  Sums sums(shape.src_elements());
  ForEachDenseProduct(shape, [&](int64_t s, int64_t d, int64_t w) {
    sums[s] += Product(diff_dst[d], weights[w]);
  });
  sums.AssignTo(diff_src);
}

void ConvBackwardWeights(const ConvShape& shape, const float* src,
                         const float* diff_dst, float* diff_weights) {
  Sums sums(shape.dense_weights());
  ForEachDenseProduct(shape, [&](int64_t s, int64_t d, int64_t w) {
    sums[w] += Product(src[s], diff_dst[d]);
  });
  sums.AddTo(diff_weights);
}

void DepthwiseForward(const ConvShape& shape, const float* src,
                      const float* weights, float* dst) {
  Sums sums(shape.dst_elements());
  ForEachDepthwiseProduct(shape, [&](int64_t s, int64_t d, int64_t w) {
    sums[d] += Product(src[s], weights[w]);
  });
  sums.AssignTo(dst);
}

void DepthwiseBackwardData(const ConvShape& shape, const float* diff_dst,
                           const float* weights, float* diff_src) {
  Sums sums(shape.src_elements());
  ForEachDepthwiseProduct(shape, [&](int64_t s, int64_t d, int64_t w) {
    sums[s] += Product(diff_dst[d], weights[w]);
  });
  sums.AssignTo(diff_src);
}

void DepthwiseBackwardWeights(const ConvShape& shape, const float* src,
                              const float* diff_dst, float* diff_weights) {
  Sums sums(shape.depthwise_weights());
  ForEachDepthwiseProduct(shape, [&](int64_t s, int64_t d, int64_t w) {
    sums[w] += Product(src[s], diff_dst[d]);
  });
  sums.AddTo(diff_weights);
}

}  // namespace frostnas::nn::reference
