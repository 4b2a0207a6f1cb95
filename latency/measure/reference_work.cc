#include "latency/measure/reference_work.h"

#include <cstddef>
#include <cstdint>

namespace frostnas::latency {
namespace {

constexpr int kRows = 256;
constexpr int kColumns = 1024;

int32_t DotProduct(const int8_t* row, const uint8_t* vector) {
  int32_t sum = 0;
  for (int i = 0; i < kColumns; ++i) sum += int32_t{row[i]} * vector[i];
  return sum;
}

}  // namespace

ReferenceWork::ReferenceWork()
    : matrix_(size_t{kRows} * kColumns), vector_(kColumns) {
  // Any fixed values do; these differ from row to row.
  for (size_t i = 0; i < matrix_.size(); ++i) {
    matrix_[i] = static_cast<int8_t>((i * 37 + i / kColumns * 11) % 255 - 127);
  }
  for (size_t i = 0; i < vector_.size(); ++i) {
    vector_[i] = static_cast<uint8_t>(i * 91 % 256);
  }
}

void ReferenceWork::Run() {
  int64_t checksum = 0;
  for (int row = 0; row < kRows; ++row) {
    const int32_t sum =
        DotProduct(&matrix_[size_t{kColumns} * row], vector_.data());
    checksum += int64_t{row + 1} * sum;
  }
  checksum_ = checksum;
}

}  // namespace frostnas::latency
