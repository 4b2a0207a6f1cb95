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
  // AMX adds up 32 products of bfloat16 at a time; with 16 or fewer to add
  // (measured over FrostNet's shapes) single precision is faster, and with 8
  // channels the gradient by the weights is.
  Pointwise(int c_in, int c_out)
      : forward_type_(TypeIf(c_in > 16)),
        backward_type_(TypeIf(c_out > 16 && c_in > 8)) {}

  bool by_items() const override { return true; }
  DataType forward_type() const override { return forward_type_; }
  DataType backward_type() const override { return backward_type_; }
  ConvShape Items(const ConvShape& s) const override {
    return {.n = static_cast<int>(s.src().rows()),
            .h = 1,
            .w = 1,
            .c_in = s.c_in,
            .c_out = s.c_out};
  }
  void Forward(const ConvShape& s, ConstElements src, ConstElements weights,
               float* dst) override {
    Multiply({.b = Transpose::kYes,
              .rows = s.src().rows(),
              .columns = s.c_out,
              .inner = s.c_in},
             src, weights, dst);
  }
  void BackwardData(const ConvShape& s, ConstElements diff_dst,
                    ConstElements weights, float* diff_src) override {
    Multiply({.rows = s.src().rows(), .columns = s.c_in, .inner = s.c_out},
             diff_dst, weights, diff_src);
  }
  void BackwardWeights(const ConvShape& s, ConstElements src,
                       ConstElements diff_dst, float* diff_weights) override {
    Multiply({.a = Transpose::kYes,
              .rows = s.c_out,
              .columns = s.c_in,
              .inner = s.src().rows(),
              .add = true},
             diff_dst, src, diff_weights);
  }

 private:
  static void Multiply(const GemmShape& shape, ConstElements a, ConstElements b,
                       float* c) {
    if (a.type() == DataType::kFloat32) {
      Gemm(shape, a.f32(), b.f32(), c);
    } else {
      Gemm(shape, a.bf16(), b.bf16(), c);
    }
  }

  static DataType TypeIf(bool worth) {
    return worth && BFloat16GemmIsFast() ? DataType::kBfloat16
                                         : DataType::kFloat32;
  }

  const DataType forward_type_, backward_type_;
};

class Depthwise : public Convolution {
 public:
  bool by_items() const override { return true; }
  void Forward(const ConvShape& s, ConstElements src, ConstElements weights,
               float* dst) override {
    DepthwiseForward(s, src.f32(), weights.f32(), dst);
  }
  void BackwardData(const ConvShape& s, ConstElements diff_dst,
                    ConstElements weights, float* diff_src) override {
    DepthwiseBackwardData(s, diff_dst.f32(), weights.f32(), diff_src);
  }
  void BackwardWeights(const ConvShape& s, ConstElements src,
                       ConstElements diff_dst, float* diff_weights) override {
    DepthwiseBackwardWeights(s, src.f32(), diff_dst.f32(), diff_weights);
  }
};

class Dense : public Convolution {
 public:
  bool by_items() const override { return false; }
  void Forward(const ConvShape& s, ConstElements src, ConstElements weights,
               float* dst) override {
    For(s).Forward(src.f32(), weights.f32(), dst);
  }
  void BackwardData(const ConvShape& s, ConstElements diff_dst,
                    ConstElements weights, float* diff_src) override {
    For(s).BackwardData(diff_dst.f32(), weights.f32(), diff_src);
  }
  void BackwardWeights(const ConvShape& s, ConstElements src,
                       ConstElements diff_dst, float* diff_weights) override {
    For(s).BackwardWeights(src.f32(), diff_dst.f32(), diff_weights);
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

std::unique_ptr<Convolution> MakeDenseConvolution(const ConvShape& shape) {
  if (shape.kernel == 1 && shape.stride == 1) {
    return std::make_unique<Pointwise>(shape.c_in, shape.c_out);
  }
  return std::make_unique<Dense>();
}

std::unique_ptr<Convolution> MakeDepthwiseConvolution() {
  return std::make_unique<Depthwise>();
}

}  // namespace frostnas::nn
