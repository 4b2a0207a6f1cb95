#include "nn/onednn/gemm.h"

#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"

namespace frostnas::nn {
namespace {

std::vector<float> SmallIntegers(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) {
    value = static_cast<float>(random.UniformInt(9)) - 4;
  }
  return values;
}

// Element (row, column) of a stored matrix or of its transpose.
float At(const std::vector<float>& m, Transpose transpose, int64_t row,
         int64_t column, const int64_t rows, const int64_t columns) {
  return transpose == Transpose::kNo ? m[row * columns + column]
                                     : m[column * rows + row];
}

void AddProduct(const GemmShape& s, const std::vector<float>& a,
                const std::vector<float>& b, std::vector<float>& c) {
  for (int64_t i = 0; i < s.rows; ++i) {
    for (int64_t j = 0; j < s.columns; ++j) {
      for (int64_t k = 0; k < s.inner; ++k) {
        c[i * s.columns + j] += At(a, s.a, i, k, s.rows, s.inner) *
                                At(b, s.b, k, j, s.inner, s.columns);
      }
    }
  }
}

TEST(GemmTest, EqualsThePlainProductOnIntegers) {
  // Some products below and some above the size worth a second thread.
  for (const int64_t rows : {1, 7, 300}) {
    for (const Transpose ta : {Transpose::kNo, Transpose::kYes}) {
      for (const Transpose tb : {Transpose::kNo, Transpose::kYes}) {
        for (const bool add : {false, true}) {
          const GemmShape shape = {.a = ta,
                                   .b = tb,
                                   .rows = rows,
                                   .columns = 24,
                                   .inner = 40,
                                   .add = add};
          const std::vector<float> a = SmallIntegers(rows * 40, 1);
          const std::vector<float> b = SmallIntegers(24 * 40, 2);
          std::vector<float> c = SmallIntegers(rows * 24, 3);
          std::vector<float> expected = add ? c : std::vector<float>(c.size());
          AddProduct(shape, a, b, expected);
          Gemm(shape, a.data(), b.data(), c.data());
          EXPECT_EQ(c, expected) << rows << " rows, add " << add;
        }
      }
    }
  }
}

}  // namespace
}  // namespace frostnas::nn
