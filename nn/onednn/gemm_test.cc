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

std::vector<BFloat16> Rounded(const std::vector<float>& values) {
  std::vector<BFloat16> rounded(values.size());
  std::transform(values.begin(), values.end(), rounded.begin(),
                 RoundToBFloat16);
  return rounded;
}

// In single precision, or of operands rounded to bfloat16: small integers are
// exact in it, and their sums in single precision.
void ExpectPlainProduct(const GemmShape& shape, bool round) {
  const std::vector<float> a = SmallIntegers(shape.rows * shape.inner, 1);
  const std::vector<float> b = SmallIntegers(shape.columns * shape.inner, 2);
  std::vector<float> c = SmallIntegers(shape.rows * shape.columns, 3);
  std::vector<float> expected = shape.add ? c : std::vector<float>(c.size());
  AddProduct(shape, a, b, expected);
  if (round) {
    Gemm(shape, Rounded(a).data(), Rounded(b).data(), c.data());
  } else {
    Gemm(shape, a.data(), b.data(), c.data());
  }
  EXPECT_EQ(c, expected) << shape.rows << "x" << shape.columns << "x"
                         << shape.inner << ", add " << shape.add;
}

// Of a size, every way to store and to add.
void ExpectPlainProducts(GemmShape shape, bool round) {
  for (const Transpose ta : {Transpose::kNo, Transpose::kYes}) {
    for (const Transpose tb : {Transpose::kNo, Transpose::kYes}) {
      for (const bool add : {false, true}) {
        shape.a = ta;
        shape.b = tb;
        shape.add = add;
        ExpectPlainProduct(shape, round);
      }
    }
  }
}

TEST(GemmTest, EqualsThePlainProductOnIntegers) {
  // Some products below and some above the size worth a second thread.
  for (const int64_t rows : {1, 7, 300}) {
    ExpectPlainProducts({.rows = rows, .columns = 24, .inner = 40}, false);
  }
}

TEST(GemmTest, EqualsThePlainProductOnIntegersInBFloat16) {
  if (!BFloat16GemmIsFast()) {
    GTEST_SKIP() << "this processor has no AMX; nothing multiplies bfloat16";
  }
  for (const int64_t rows : {1, 47, 300}) {
    for (const int64_t columns : {8, 24, 65}) {
      for (const int64_t inner : {8, 47, 240}) {
        ExpectPlainProducts({.rows = rows, .columns = columns, .inner = inner},
                            true);
      }
    }
  }
}

}  // namespace
}  // namespace frostnas::nn
