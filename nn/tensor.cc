#include "nn/tensor.h"

#include <algorithm>
#include <new>

#include "absl/strings/str_cat.h"

namespace frostnas::nn {
namespace {

constexpr std::align_val_t kAlignment{64};

}  // namespace

std::string Shape::ToString() const {
  return absl::StrCat(n, "x", h, "x", w, "x", c);
}

void Tensor::Free::operator()(float* memory) const {
  ::operator delete[](memory, kAlignment);
}

void Tensor::Resize(Shape shape) {
  shape_ = shape;
  if (elements() <= capacity_) return;
  capacity_ = elements();
  data_.reset();  // before allocating, so that the peak is one buffer
  data_.reset(static_cast<float*>(::operator new[](
      static_cast<size_t>(capacity_) * sizeof(float), kAlignment)));
}

void Tensor::Zero() { std::fill_n(data(), elements(), 0.0f); }

Tensor Tensor::Clone() const {
  Tensor copy(shape_);
  std::copy_n(data(), elements(), copy.data());
  return copy;
}

}  // namespace frostnas::nn
