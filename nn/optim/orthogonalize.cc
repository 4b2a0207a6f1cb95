#include "nn/optim/orthogonalize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "nn/onednn/gemm.h"

namespace frostnas::nn {
namespace {

constexpr int kSteps = 5;
constexpr float kLinear = 3.4445f, kCubic = -4.7750f, kQuintic = 2.0315f;

void DivideByNorm(int64_t count, float* x) {
  double squares = 0;
  for (int64_t i = 0; i < count; ++i) squares += double{x[i]} * x[i];
  const float scale = static_cast<float>(1 / (std::sqrt(squares) + 1e-7));
  for (int64_t i = 0; i < count; ++i) x[i] *= scale;
}

}  // namespace

void Orthogonalize(int64_t rows, int64_t columns, float* x,
                   OrthogonalizeScratch& scratch) {
  const int64_t count = rows * columns;
  // The product of X with its transpose, on the side where it is smaller.
  const bool wide = rows <= columns;
  const int64_t side = std::min(rows, columns);
  const GemmShape square = {
      .a = wide ? Transpose::kNo : Transpose::kYes,
      .b = wide ? Transpose::kYes : Transpose::kNo,
      .rows = side,
      .columns = side,
      .inner = std::max(rows, columns),
  };
  const GemmShape product = {.rows = rows, .columns = columns, .inner = side};
  scratch.square.resize(static_cast<size_t>(side * side));
  scratch.polynomial.resize(static_cast<size_t>(side * side));
  scratch.product.resize(static_cast<size_t>(count));
  float* a = scratch.square.data();
  float* b = scratch.polynomial.data();
  float* y = scratch.product.data();
  DivideByNorm(count, x);
  for (int step = 0; step < kSteps; ++step) {
    Gemm(square, x, x, a);
    Gemm({.rows = side, .columns = side, .inner = side}, a, a, b);
    for (int64_t i = 0; i < side * side; ++i) {
      b[i] = kCubic * a[i] + kQuintic * b[i];
    }
    Gemm(product, wide ? b : x, wide ? x : b, y);
    for (int64_t i = 0; i < count; ++i) x[i] = kLinear * x[i] + y[i];
  }
}

}  // namespace frostnas::nn
