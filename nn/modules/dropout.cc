#include "nn/modules/dropout.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "nn/modules/merge.h"

namespace frostnas::nn {

Dropout::Dropout(const std::string& name, float probability,
                 const Random& random)
    : probability_(probability),
      random_(random),
      step_{absl::StrCat(name, ".step"), {0.0f}} {}

void Dropout::Forward(Sources src, Mode mode, Tensor& dst) {
  if (mode != Mode::kTrain) return Copy(*src[0], dst);
  float& step = step_.value[0];
  Random random = random_.Split(static_cast<uint64_t>(std::max(0.0f, step)));
  step += 1;
  const float kept = 1 / (1 - probability_);
  scale_.resize(static_cast<size_t>(src[0]->elements()));
  dst.Resize(src[0]->shape());
  for (size_t i = 0; i < scale_.size(); ++i) {
    scale_[i] = random.UniformFloat() < probability_ ? 0 : kept;
    dst.data()[i] = src[0]->data()[i] * scale_[i];
  }
}

void Dropout::Backward(Sources /*src*/, Tensor& diff_dst,
                       absl::Span<Tensor* const> diff_src) {
  if (diff_src[0] == nullptr) return;
  diff_src[0]->Resize(diff_dst.shape());
  for (size_t i = 0; i < scale_.size(); ++i) {
    diff_src[0]->data()[i] = diff_dst.data()[i] * scale_[i];
  }
}

}  // namespace frostnas::nn
