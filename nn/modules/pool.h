// Spatial maximum pooling, and global average or maximum pooling.
//
// A window's gradient goes to its first largest value in row-major order.
// Gradients: diff_src is ASSIGNED.
#ifndef FROSTNAS_NN_MODULES_POOL_H_
#define FROSTNAS_NN_MODULES_POOL_H_

#include <cstdint>
#include <vector>

#include "nn/modules/module.h"

namespace frostnas::nn {

// kernel x kernel windows every `stride` pixels, no padding.
class MaxPool : public Module {
 public:
  MaxPool(int kernel, int stride) : kernel_(kernel), stride_(stride) {}

  void Forward(Sources src, Mode mode, Tensor& dst) override;
  void Backward(Sources src, Tensor& diff_dst,
                absl::Span<Tensor* const> diff_src) override;

 private:
  const int kernel_;
  const int stride_;
  // Index in src of each output's value; kTrain only.
  std::vector<int64_t> largest_;
};

// dst (n, 1, 1, c).
class GlobalAveragePool : public Module {
 public:
  void Forward(Sources src, Mode mode, Tensor& dst) override;
  void Backward(Sources src, Tensor& diff_dst,
                absl::Span<Tensor* const> diff_src) override;
};

class GlobalMaxPool : public Module {
 public:
  void Forward(Sources src, Mode mode, Tensor& dst) override;
  void Backward(Sources src, Tensor& diff_dst,
                absl::Span<Tensor* const> diff_src) override;

 private:
  std::vector<int64_t> largest_;  // kTrain only
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_MODULES_POOL_H_
