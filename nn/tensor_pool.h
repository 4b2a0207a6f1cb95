// Tensors for gradients between layers, handed out again when one is done with,
// the most recent first: it is still in the cache.
//
// Networks may share a pool when their Backward runs one at a time; what one
// returned is then overwritten by the next one's, but for the gradient that
// this one is given.
//
// Thread-compatible.
#ifndef FROSTNAS_NN_TENSOR_POOL_H_
#define FROSTNAS_NN_TENSOR_POOL_H_

#include <memory>
#include <vector>

#include "nn/tensor.h"

namespace frostnas::nn {

class TensorPool {
 public:
  // Takes all back but `kept`, which may be of this pool or not. In a fixed
  // order, so that repeated passes give each tensor to the same layers and none
  // must grow again.
  void Restart(const Tensor& kept);

  // Owned by the pool; contents unspecified.
  Tensor* Take();

  // A tensor that is not of this pool is left alone.
  void Give(Tensor* tensor);

 private:
  std::vector<std::unique_ptr<Tensor>> tensors_;
  std::vector<Tensor*> free_;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_TENSOR_POOL_H_
