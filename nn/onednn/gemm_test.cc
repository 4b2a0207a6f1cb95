#include "nn/onednn/gemm.h"

#include <algorithm>
#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"
#include "nn/elements.h"

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

// Index of element (row, column) of a (rows, columns) matrix, stored as it is
// or as its transpose.
struct Matrix {
  Transpose transpose;
  int64_t rows;
  int64_t columns;
  int64_t Index(int64_t row, int64_t column) const {
    return transpose == Transpose::kNo ? row * columns + column
                                       : column * rows + row;
  }
};

void AddProduct(const GemmShape& s, const std::vector<float>& a,
                const std::vector<float>& b, std::vector<float>& c) {
  const Matrix a_matrix = {s.a, s.rows, s.inner};
  const Matrix b_matrix = {s.b, s.inner, s.columns};
  for (int64_t i = 0; i < s.rows; ++i) {
    for (int64_t j = 0; j < s.columns; ++j) {
      for (int64_t k = 0; k < s.inner; ++k) {
        c[i * s.columns + j] +=
            a[a_matrix.Index(i, k)] * b[b_matrix.Index(k, j)];
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

std::vector<BFloat16> Rounded(const std::vector<float>& values) {
  std::vector<BFloat16> rounded(values.size());
  std::transform(values.begin(), values.end(), rounded.begin(),
                 RoundToBFloat16);
  return rounded;
}

// Small integers are exact in bfloat16, and their sums in single precision.
TEST(GemmTest, EqualsThePlainProductOnIntegersInBFloat16) {
  if (!BFloat16GemmIsFast()) {
    GTEST_SKIP() << "this processor has no AMX; nothing multiplies bfloat16";
  }
  for (const int64_t rows : {1, 47, 300}) {
    for (const int64_t columns : {8, 24, 65}) {
      for (const int64_t inner : {8, 47, 240}) {
        for (const Transpose ta : {Transpose::kNo, Transpose::kYes}) {
          for (const Transpose tb : {Transpose::kNo, Transpose::kYes}) {
            for (const bool add : {false, true}) {
              const GemmShape shape = {.a = ta,
                                       .b = tb,
                                       .rows = rows,
                                       .columns = columns,
                                       .inner = inner,
                                       .add = add};
              const std::vector<float> a = SmallIntegers(rows * inner, 1);
              const std::vector<float> b = SmallIntegers(columns * inner, 2);
              std::vector<float> c = SmallIntegers(rows * columns, 3);
              std::vector<float> expected =
                  add ? c : std::vector<float>(c.size());
              AddProduct(shape, a, b, expected);
              Gemm(shape, Rounded(a).data(), Rounded(b).data(), c.data());
              EXPECT_EQ(c, expected)
                  << rows << "x" << columns << "x" << inner << ", add " << add;
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace frostnas::nn
