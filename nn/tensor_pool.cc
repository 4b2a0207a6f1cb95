#include "nn/tensor_pool.h"

#include <algorithm>

namespace frostnas::nn {

void TensorPool::Restart(const Tensor& kept) {
  free_.clear();
  for (auto tensor = tensors_.rbegin(); tensor != tensors_.rend(); ++tensor) {
    if (tensor->get() != &kept) free_.push_back(tensor->get());
  }
}

Tensor* TensorPool::Take() {
  if (free_.empty()) {
    tensors_.push_back(std::make_unique<Tensor>());
    return tensors_.back().get();
  }
  Tensor* const tensor = free_.back();
  free_.pop_back();
  return tensor;
}

void TensorPool::Give(Tensor* tensor) {
  const bool own =
      std::any_of(tensors_.begin(), tensors_.end(),
                  [&](const auto& each) { return each.get() == tensor; });
  if (own) free_.push_back(tensor);
}

}  // namespace frostnas::nn
