#include "nn/tensor.h"

#include <cstdint>
#include <utility>

#include "gtest/gtest.h"

namespace frostnas::nn {
namespace {

TEST(TensorTest, IsAlignedForVectors) {
  const Tensor tensor({1, 3, 5, 7});
  EXPECT_EQ(tensor.elements(), 105);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data()) % 64, 0);
}

TEST(TensorTest, ShrinkingAndGrowingBackKeepsMemoryAndContents) {
  Tensor tensor({1, 1, 1, 8});
  for (int i = 0; i < 8; ++i) tensor.data()[i] = static_cast<float>(i);
  const float* const memory = tensor.data();
  tensor.Resize({1, 1, 1, 2});
  tensor.Resize({2, 1, 1, 4});
  EXPECT_EQ(tensor.data(), memory);
  EXPECT_EQ(tensor.data()[7], 7);
}

TEST(TensorTest, CloneIsIndependent) {
  Tensor tensor({1, 1, 1, 3});
  tensor.Zero();
  const Tensor copy = tensor.Clone();
  tensor.data()[1] = 5;
  EXPECT_EQ(copy.shape(), tensor.shape());
  EXPECT_EQ(copy.data()[1], 0);
}

TEST(TensorTest, MovedMemoryGoesAlong) {
  Tensor tensor({1, 1, 1, 3});
  const float* const memory = tensor.data();
  const Tensor moved = std::move(tensor);
  EXPECT_EQ(moved.data(), memory);
}

TEST(TensorTest, ShapesCountInSixtyFourBits) {
  const Shape shape = {1024, 1024, 1024, 8};
  EXPECT_EQ(shape.elements(), int64_t{1} << 33);
  EXPECT_EQ(shape.rows(), int64_t{1} << 30);
  EXPECT_EQ(shape.ToString(), "1024x1024x1024x8");
}

TEST(TensorTest, AnEmptyTensorHasNoElements) {
  EXPECT_TRUE(Tensor().empty());
  EXPECT_FALSE(Tensor({1, 1, 1, 1}).empty());
}

}  // namespace
}  // namespace frostnas::nn
