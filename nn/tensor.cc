#include "nn/tensor.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace frostnas::nn {
namespace {

constexpr int64_t kCacheLine = 64;
constexpr int64_t kHugePage = 2 << 20;

// Large tensors lie in huge pages where the system gives them: passes over them
// would else miss the TLB at every fourth kilobyte.
void* Allocate(int64_t bytes) {
  const int64_t alignment = bytes >= kHugePage ? kHugePage : kCacheLine;
  const int64_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(static_cast<size_t>(alignment),
                                    static_cast<size_t>(rounded));
  CHECK(memory != nullptr) << "no memory for a tensor of " << bytes << " bytes";
  if (alignment == kHugePage) {
    // Advice: without it nothing but time is lost.
    (void)madvise(memory, static_cast<size_t>(rounded), MADV_HUGEPAGE);
  }
  return memory;
}

}  // namespace

std::string Shape::ToString() const {
  return absl::StrCat(n, "x", h, "x", w, "x", c);
}

void Tensor::Free::operator()(void* memory) const { std::free(memory); }

void Tensor::Resize(Shape shape, DataType type) {
  shape_ = shape;
  type_ = type;
  const int64_t bytes = elements() * SizeOf(type);
  if (bytes <= capacity_) return;
  capacity_ = bytes;
  memory_.reset();  // before allocating, so that the peak is one buffer
  memory_.reset(Allocate(bytes));
}

void Tensor::Zero() { std::fill_n(data(), elements(), 0.0f); }

Tensor Tensor::Clone() const {
  Tensor copy(shape_);
  std::copy_n(data(), elements(), copy.data());
  return copy;
}

}  // namespace frostnas::nn
