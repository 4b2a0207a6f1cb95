// Matrix products by oneDNN, row-major and dense.
//
// A 1x1 convolution of stride 1 over NHWC is such a product; oneDNN's gemm is
// as fast as its convolution there (measured over FrostNet's shapes, AVX-512,
// 1 and 2 threads), takes weights as they lie and can add to its result.
//
// Deterministic for one number of compute threads. Thread-safe.
#ifndef FROSTNAS_NN_ONEDNN_GEMM_H_
#define FROSTNAS_NN_ONEDNN_GEMM_H_

#include <cstdint>

#include "nn/elements.h"

namespace frostnas::nn {

enum class Transpose : char { kNo = 'N', kYes = 'T' };

// c (rows, columns) = op(a) (rows, inner) * op(b) (inner, columns), or added to
// c when `add`. A transposed operand is stored as its transpose.
struct GemmShape {
  Transpose a = Transpose::kNo;
  Transpose b = Transpose::kNo;
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t inner = 0;
  bool add = false;
};

void Gemm(const GemmShape& shape, const float* a, const float* b, float* c);

// Sums in single precision; on the calling thread. Only where
// BFloat16GemmIsFast(): other processors may not have it at all.
void Gemm(const GemmShape& shape, const BFloat16* a, const BFloat16* b,
          float* c);

// Whether the processor multiplies bfloat16 faster than single precision: it
// does with AMX, by 2 to 6 times over FrostNet's shapes; with AVX-512 BF16
// alone oneDNN's products of small matrices are slower.
bool BFloat16GemmIsFast();

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_ONEDNN_GEMM_H_
