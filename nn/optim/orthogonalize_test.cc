#include "nn/optim/orthogonalize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

using Matrix = std::vector<std::vector<double>>;  // rows

// `count` orthonormal rows of `length`, by Gram and Schmidt.
Matrix OrthonormalRows(int count, int length, uint64_t seed) {
  Random random(seed);
  Matrix rows;
  while (static_cast<int>(rows.size()) < count) {
    std::vector<double> row(length);
    for (double& value : row) value = random.Normal();
    for (const std::vector<double>& before : rows) {
      double dot = 0;
      for (int i = 0; i < length; ++i) dot += row[i] * before[i];
      for (int i = 0; i < length; ++i) row[i] -= dot * before[i];
    }
    double squares = 0;
    for (double value : row) squares += value * value;
    for (double& value : row) value /= std::sqrt(squares);
    rows.push_back(row);
  }
  return rows;
}

// sum of sizes[k] u[k] v[k]^T, row-major.
std::vector<double> Compose(const Matrix& u, const std::vector<double>& sizes,
                            const Matrix& v) {
  const size_t rows = u[0].size(), columns = v[0].size();
  std::vector<double> matrix(rows * columns);
  for (size_t k = 0; k < sizes.size(); ++k) {
    for (size_t i = 0; i < rows; ++i) {
      for (size_t j = 0; j < columns; ++j) {
        matrix[i * columns + j] += sizes[k] * u[k][i] * v[k][j];
      }
    }
  }
  return matrix;
}

// What the five steps make of each singular value.
std::vector<double> Stepped(std::vector<double> sizes) {
  double squares = 0;
  for (double size : sizes) squares += size * size;
  for (double& size : sizes) {
    size /= std::sqrt(squares);
    for (int step = 0; step < 5; ++step) {
      size = 3.4445 * size - 4.7750 * std::pow(size, 3) +
             2.0315 * std::pow(size, 5);
    }
  }
  return sizes;
}

TEST(OrthogonalizeTest, ChangesTheSingularValuesOnly) {
  SetComputeThreads(1);
  OrthogonalizeScratch scratch;
  for (const auto& [rows, columns] : std::vector<std::pair<int, int>>{
           {6, 6}, {8, 40}, {40, 8}, {1, 7}, {7, 1}, {33, 70}}) {
    const int side = std::min(rows, columns);
    const Matrix u = OrthonormalRows(side, rows, 1);
    const Matrix v = OrthonormalRows(side, columns, 2);
    std::vector<double> sizes;
    for (int k = 0; k < side; ++k) sizes.push_back(0.02 + 0.3 * k);
    const std::vector<double> from = Compose(u, sizes, v);
    std::vector<float> matrix(from.begin(), from.end());
    Orthogonalize(rows, columns, matrix.data(), scratch);
    const std::vector<double> expected = Compose(u, Stepped(sizes), v);
    for (size_t i = 0; i < matrix.size(); ++i) {
      ASSERT_NEAR(matrix[i], expected[i], 2e-4)
          << rows << "x" << columns << " [" << i << "]";
    }
  }
}

TEST(OrthogonalizeTest, SingularValuesEndNearOne) {
  SetComputeThreads(1);
  OrthogonalizeScratch scratch;
  // Diagonal: the values can be read off.
  const std::vector<float> sizes = {0.5f, 1, 2, 8, 30, 70};
  std::vector<float> matrix(36, 0.0f);
  for (int i = 0; i < 6; ++i) matrix[i * 7] = sizes[i];
  Orthogonalize(6, 6, matrix.data(), scratch);
  for (int i = 0; i < 6; ++i) {
    EXPECT_GT(matrix[i * 7], 0.6) << sizes[i];
    EXPECT_LT(matrix[i * 7], 1.25) << sizes[i];
  }
}

TEST(OrthogonalizeTest, ZerosStayZeros) {
  OrthogonalizeScratch scratch;
  std::vector<float> matrix(24, 0.0f);
  Orthogonalize(4, 6, matrix.data(), scratch);
  EXPECT_EQ(matrix, std::vector<float>(24, 0.0f));
}

}  // namespace
}  // namespace frostnas::nn
