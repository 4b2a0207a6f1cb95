#include "nn/modules/dropout.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "nn/modules/merge.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

// Values a thread must get: a draw takes some nanoseconds.
constexpr int64_t kDrawGrain = 1 << 12;

}  // namespace

Dropout::Dropout(const std::string& name, float probability,
                 const Random& random)
    : probability_(probability),
      random_(random),
      step_{absl::StrCat(name, ".step"), {0.0f}} {}

void Dropout::Forward(Sources src, Mode mode, Tensor& dst) {
  if (mode != Mode::kTrain) return Copy(*src[0], dst);
  float& step = step_.value[0];
  const Random draws =
      random_.Split(static_cast<uint64_t>(std::max(0.0f, step)));
  step += 1;
  const float kept = 1 / (1 - probability_);
  scale_.resize(static_cast<size_t>(src[0]->elements()));
  dst.Resize(src[0]->shape());
  // A value has the draw of its index, on whichever thread it is.
  ParallelFor(src[0]->elements(), kDrawGrain, [&](const Part& part) {
    Random random = draws;
    random.Skip(static_cast<uint64_t>(part.begin));
    const float* from = src[0]->data();
    float* to = dst.data();
    for (int64_t i = part.begin; i < part.end; ++i) {
      scale_[i] = random.UniformFloat() < probability_ ? 0 : kept;
      to[i] = from[i] * scale_[i];
    }
  });
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
