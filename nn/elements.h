// Numbers in memory, in single precision or rounded to bfloat16: training
// waits for memory, and bfloat16 is half of it with the same range.
//
//   void Pass(int64_t n, ConstElements src, Elements dst);
//   Pass(n, floats.data(), tensor.elements());
//
// Values; thread-compatible.
#ifndef FROSTNAS_NN_ELEMENTS_H_
#define FROSTNAS_NN_ELEMENTS_H_

#include <bit>
#include <cstdint>

#include "base/check.h"

namespace frostnas::nn {

enum class DataType { kFloat32, kBfloat16 };

// The upper half of a float.
struct BFloat16 {
  uint16_t bits;
};

// To nearest, ties to even. NaNs of arithmetic stay NaN.
inline BFloat16 RoundToBFloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t odd = (bits >> 16) & 1;
  return {static_cast<uint16_t>((bits + 0x7FFF + odd) >> 16)};
}

inline float ToFloat(BFloat16 value) {
  return std::bit_cast<float>(uint32_t{value.bits} << 16);
}

// Pointer to elements of either type. From a plain pointer it is implicit, so
// that functions take either.
class ConstElements {
 public:
  ConstElements(const float* data)  // NOLINT(google-explicit-constructor)
      : type_(DataType::kFloat32), data_(data) {}
  ConstElements(const BFloat16* data)  // NOLINT(google-explicit-constructor)
      : type_(DataType::kBfloat16), data_(data) {}

  DataType type() const { return type_; }
  const float* f32() const {
    DCHECK(type_ == DataType::kFloat32);
    return static_cast<const float*>(data_);
  }
  const BFloat16* bf16() const {
    DCHECK(type_ == DataType::kBfloat16);
    return static_cast<const BFloat16*>(data_);
  }
  ConstElements operator+(int64_t count) const {
    if (type_ == DataType::kFloat32) return f32() + count;
    return bf16() + count;
  }
  float operator[](int64_t i) const {
    return type_ == DataType::kFloat32 ? f32()[i] : ToFloat(bf16()[i]);
  }

 private:
  DataType type_;
  const void* data_;
};

class Elements {
 public:
  Elements(float* data)  // NOLINT(google-explicit-constructor)
      : type_(DataType::kFloat32), data_(data) {}
  Elements(BFloat16* data)  // NOLINT(google-explicit-constructor)
      : type_(DataType::kBfloat16), data_(data) {}
  operator ConstElements() const {  // NOLINT(google-explicit-constructor)
    if (type_ == DataType::kFloat32) return f32();
    return bf16();
  }

  DataType type() const { return type_; }
  float* f32() const {
    DCHECK(type_ == DataType::kFloat32);
    return static_cast<float*>(data_);
  }
  BFloat16* bf16() const {
    DCHECK(type_ == DataType::kBfloat16);
    return static_cast<BFloat16*>(data_);
  }
  Elements operator+(int64_t count) const {
    if (type_ == DataType::kFloat32) return f32() + count;
    return bf16() + count;
  }
  // Rounds where it must.
  void Set(int64_t i, float value) const {
    if (type_ == DataType::kFloat32) {
      f32()[i] = value;
    } else {
      bf16()[i] = RoundToBFloat16(value);
    }
  }

 private:
  DataType type_;
  void* data_;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_ELEMENTS_H_
