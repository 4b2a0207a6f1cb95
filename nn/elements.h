// Numbers in memory, of single precision or rounded to 16 bits: training waits
// for memory, and these take half of it.
//
//   void Pass(int64_t n, ConstElements src, Elements dst);
//   Pass(n, floats.data(), tensor.typed_data());
//
// Values; thread-compatible.
#ifndef FROSTNAS_NN_ELEMENTS_H_
#define FROSTNAS_NN_ELEMENTS_H_

#include <cstdint>

#include "base/check.h"
#include "nn/half.h"

namespace frostnas::nn {

enum class DataType { kFloat32, kFloat16, kBfloat16 };

inline int64_t SizeOf(DataType type) {
  return type == DataType::kFloat32 ? 4 : 2;
}

// Pointer to elements of one type. From a plain pointer it is implicit, so that
// functions take any.
class ConstElements {
 public:
  ConstElements(const float* data)  // NOLINT(google-explicit-constructor)
      : type_(DataType::kFloat32), data_(data) {}
  ConstElements(const Float16* data)  // NOLINT(google-explicit-constructor)
      : type_(DataType::kFloat16), data_(data) {}
  ConstElements(const BFloat16* data)  // NOLINT(google-explicit-constructor)
      : type_(DataType::kBfloat16), data_(data) {}

  DataType type() const { return type_; }
  const float* f32() const {
    DCHECK(type_ == DataType::kFloat32);
    return static_cast<const float*>(data_);
  }
  const Float16* f16() const {
    DCHECK(type_ == DataType::kFloat16);
    return static_cast<const Float16*>(data_);
  }
  const BFloat16* bf16() const {
    DCHECK(type_ == DataType::kBfloat16);
    return static_cast<const BFloat16*>(data_);
  }
  ConstElements operator+(int64_t count) const {
    return {type_, static_cast<const char*>(data_) + count * SizeOf(type_)};
  }
  float operator[](int64_t i) const {
    switch (type_) {
      case DataType::kFloat32:
        return f32()[i];
      case DataType::kFloat16:
        return ToFloat(f16()[i]);
      case DataType::kBfloat16:
        return ToFloat(bf16()[i]);
    }
    return 0;
  }

 private:
  friend class Elements;
  ConstElements(DataType type, const void* data) : type_(type), data_(data) {}

  DataType type_;
  const void* data_;
};

class Elements {
 public:
  Elements(float* data)  // NOLINT(google-explicit-constructor)
      : type_(DataType::kFloat32), data_(data) {}
  Elements(Float16* data)  // NOLINT(google-explicit-constructor)
      : type_(DataType::kFloat16), data_(data) {}
  Elements(BFloat16* data)  // NOLINT(google-explicit-constructor)
      : type_(DataType::kBfloat16), data_(data) {}
  // `data` holds elements of `type`.
  Elements(DataType type, void* data) : type_(type), data_(data) {}
  operator ConstElements() const {  // NOLINT(google-explicit-constructor)
    return {type_, data_};
  }

  DataType type() const { return type_; }
  float* f32() const {
    DCHECK(type_ == DataType::kFloat32);
    return static_cast<float*>(data_);
  }
  Float16* f16() const {
    DCHECK(type_ == DataType::kFloat16);
    return static_cast<Float16*>(data_);
  }
  BFloat16* bf16() const {
    DCHECK(type_ == DataType::kBfloat16);
    return static_cast<BFloat16*>(data_);
  }
  Elements operator+(int64_t count) const {
    return {type_, static_cast<char*>(data_) + count * SizeOf(type_)};
  }
  // Rounds where it must.
  void Set(int64_t i, float value) const {
    switch (type_) {
      case DataType::kFloat32:
        f32()[i] = value;
        return;
      case DataType::kFloat16:
        f16()[i] = RoundToFloat16(value);
        return;
      case DataType::kBfloat16:
        bf16()[i] = RoundToBFloat16(value);
        return;
    }
  }

 private:
  DataType type_;
  void* data_;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_ELEMENTS_H_
