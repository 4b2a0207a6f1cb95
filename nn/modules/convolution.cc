#include "nn/modules/convolution.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "nn/depthwise/depthwise.h"
#include "nn/onednn/convolution.h"
#include "nn/onednn/gemm.h"

namespace frostnas::nn {
namespace {

// src and dst are matrices with a row for each pixel.
class Pointwise : public Convolution {
 public:
  bool by_items() const override { return true; }
  ConvShape Items(const ConvShape& s) const override {
    return {.n = static_cast<int>(s.src().rows()),
            .h = 1,
            .w = 1,
            .c_in = s.c_in,
            .c_out = s.c_out};
  }
  void Forward(const ConvShape& s, const float* src, const float* weights,
               float* dst) override {
    Gemm({.b = Transpose::kYes,
          .rows = s.src().rows(),
          .columns = s.c_out,
          .inner = s.c_in},
         src, weights, dst);
  }
  void BackwardData(const ConvShape& s, const float* diff_dst,
                    const float* weights, float* diff_src) override {
    Gemm({.rows = s.src().rows(), .columns = s.c_in, .inner = s.c_out},
         diff_dst, weights, diff_src);
  }
  void BackwardWeights(const ConvShape& s, const float* src,
                       const float* diff_dst, float* diff_weights) override {
    Gemm({.a = Transpose::kYes,
          .rows = s.c_out,
          .columns = s.c_in,
          .inner = s.src().rows(),
          .add = true},
         diff_dst, src, diff_weights);
  }
};

class Depthwise : public Convolution {
 public:
  bool by_items() const override { return true; }
  void Forward(const ConvShape& s, const float* src, const float* weights,
               float* dst) override {
    DepthwiseForward(s, src, weights, dst);
  }
  void BackwardData(const ConvShape& s, const float* diff_dst,
                    const float* weights, float* diff_src) override {
    DepthwiseBackwardData(s, diff_dst, weights, diff_src);
  }
  void BackwardWeights(const ConvShape& s, const float* src,
                       const float* diff_dst, float* diff_weights) override {
    DepthwiseBackwardWeights(s, src, diff_dst, diff_weights);
  }
};

class Dense : public Convolution {
 public:
  bool by_items() const override { return false; }
  void Forward(const ConvShape& s, const float* src, const float* weights,
               float* dst) override {
    For(s).Forward(src, weights, dst);
  }
  void BackwardData(const ConvShape& s, const float* diff_dst,
                    const float* weights, float* diff_src) override {
    For(s).BackwardData(diff_dst, weights, diff_src);
  }
  void BackwardWeights(const ConvShape& s, const float* src,
                       const float* diff_dst, float* diff_weights) override {
    For(s).BackwardWeights(src, diff_dst, diff_weights);
  }

 private:
  OnednnConvolution& For(const ConvShape& shape) {
    const auto found =
        std::find_if(plans_.begin(), plans_.end(),
                     [&](const auto& plan) { return plan->shape() == shape; });
    if (found != plans_.end()) return **found;
    // Batches of training, of evaluation and an odd last one.
    constexpr size_t kKept = 4;
    if (plans_.size() == kKept) plans_.erase(plans_.begin());
    plans_.push_back(std::make_unique<OnednnConvolution>(shape));
    return *plans_.back();
  }

  std::vector<std::unique_ptr<OnednnConvolution>> plans_;  // oldest first
};

}  // namespace

std::unique_ptr<Convolution> MakeDenseConvolution(int kernel, int stride) {
  if (kernel == 1 && stride == 1) return std::make_unique<Pointwise>();
  return std::make_unique<Dense>();
}

std::unique_ptr<Convolution> MakeDepthwiseConvolution() {
  return std::make_unique<Depthwise>();
}

}  // namespace frostnas::nn
