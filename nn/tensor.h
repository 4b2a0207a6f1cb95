// Dense tensors, NHWC, of single precision unless asked for otherwise.
//
// A Tensor owns 64-byte aligned memory, moved but never copied by accident
// (Clone says so). Resize keeps the memory when it is large enough, so that a
// steady training step allocates nothing.
//
// Thread-compatible.
#ifndef FROSTNAS_NN_TENSOR_H_
#define FROSTNAS_NN_TENSOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/types/span.h"
#include "base/check.h"
#include "nn/elements.h"

namespace frostnas::nn {

// (n, h, w, c) of activations. Vectors use n = h = w = 1.
struct Shape {
  int n = 0, h = 0, w = 0, c = 0;
  int64_t elements() const { return static_cast<int64_t>(n) * h * w * c; }
  int64_t rows() const { return static_cast<int64_t>(n) * h * w; }
  std::string ToString() const;  // "64x32x32x16"
  friend bool operator==(const Shape&, const Shape&) = default;
};

class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Shape shape) { Resize(shape); }
  Tensor(Tensor&&) = default;
  Tensor& operator=(Tensor&&) = default;

  // Contents are unspecified after growing or a change of type; unchanged
  // otherwise.
  void Resize(Shape shape, DataType type = DataType::kFloat32);
  void Zero();
  Tensor Clone() const;

  const Shape& shape() const { return shape_; }
  int64_t elements() const { return shape_.elements(); }
  bool empty() const { return elements() == 0; }
  DataType type() const { return type_; }
  Elements typed_data() { return {type_, memory_.get()}; }
  ConstElements typed_data() const {
    return const_cast<Tensor*>(this)->typed_data();
  }
  // Of single precision.
  float* data() {
    CHECK(type_ == DataType::kFloat32);
    return static_cast<float*>(memory_.get());
  }
  const float* data() const { return const_cast<Tensor*>(this)->data(); }
  absl::Span<float> span() {
    return absl::MakeSpan(data(), static_cast<size_t>(elements()));
  }
  absl::Span<const float> span() const {
    return absl::MakeConstSpan(data(), static_cast<size_t>(elements()));
  }

 private:
  struct Free {
    void operator()(void* memory) const;
  };
  Shape shape_;
  DataType type_ = DataType::kFloat32;
  int64_t capacity_ = 0;  // bytes
  std::unique_ptr<void, Free> memory_;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_TENSOR_H_
