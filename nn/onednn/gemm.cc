#include "nn/onednn/gemm.h"

#include "base/check.h"
#include "nn/threads.h"
#include "oneapi/dnnl/dnnl.h"

namespace frostnas::nn {

void Gemm(const GemmShape& s, const float* a, const float* b, float* c) {
  // Below this many products starting threads costs more than it gains.
  constexpr int64_t kWorthThreads = 1 << 17;
  ApplyComputeThreads(s.rows * s.columns * s.inner >= kWorthThreads);
  const int64_t a_stride = s.a == Transpose::kNo ? s.inner : s.rows;
  const int64_t b_stride = s.b == Transpose::kNo ? s.columns : s.inner;
  const dnnl_status_t status =
      dnnl_sgemm(static_cast<char>(s.a), static_cast<char>(s.b), s.rows,
                 s.columns, s.inner, 1.0f, a, a_stride, b, b_stride,
                 s.add ? 1.0f : 0.0f, c, s.columns);
  CHECK(status == dnnl_success) << "dnnl_sgemm: " << status;
}

}  // namespace frostnas::nn
