#include "nn/modules/linear.h"

#include <algorithm>

#include "nn/modules/weights.h"
#include "nn/onednn/gemm.h"

namespace frostnas::nn {

Linear::Linear(const std::string& name, int c_in, int c_out,
               const Random& random)
    : c_in_(c_in),
      c_out_(c_out),
      weight_(MakeParameter(name, "weight", ParameterRole::kWeight,
                            {c_out, 1, 1, c_in})),
      bias_(MakeParameter(name, "bias", ParameterRole::kBias, {c_out})),
      weights_(DenseLayout(c_out, c_in)) {
  InitUniformFanIn(c_in, random.Split("weight"), weight_);
}

void Linear::Forward(Sources src, Mode /*mode*/, Tensor& dst) {
  weights_.Prepare(weight_);
  const int n = src[0]->shape().n;
  dst.Resize({n, 1, 1, c_out_});
  for (int i = 0; i < n; ++i) {
    std::copy(bias_.value.begin(), bias_.value.end(),
              dst.data() + int64_t{i} * c_out_);
  }
  Gemm({.b = Transpose::kYes,
        .rows = n,
        .columns = c_out_,
        .inner = c_in_,
        .add = true},
       src[0]->data(), weights_.values(weight_).data(), dst.data());
}

void Linear::Backward(Sources src, Tensor& diff_dst,
                      absl::Span<Tensor* const> diff_src) {
  const int n = src[0]->shape().n;
  for (int i = 0; i < n; ++i) {
    const float* row = diff_dst.data() + int64_t{i} * c_out_;
    for (int c = 0; c < c_out_; ++c) bias_.grad[c] += row[c];
  }
  Gemm({.a = Transpose::kYes,
        .rows = c_out_,
        .columns = c_in_,
        .inner = n,
        .add = true},
       diff_dst.data(), src[0]->data(), weights_.StartBackward(weight_).data());
  weights_.EndBackward(weight_);
  if (diff_src[0] == nullptr) return;
  diff_src[0]->Resize(src[0]->shape());
  Gemm({.rows = n, .columns = c_in_, .inner = c_out_}, diff_dst.data(),
       weights_.values(weight_).data(), diff_src[0]->data());
}

}  // namespace frostnas::nn
