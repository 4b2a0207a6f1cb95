#include "nn/onednn/gemm.h"

#include <cstddef>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "base/check.h"
#include "nn/onednn/engine.h"
#include "nn/threads.h"
#include "oneapi/dnnl/dnnl.h"
#include "oneapi/dnnl/dnnl.hpp"

namespace frostnas::nn {
namespace {

using dnnl::memory;

// A product in bfloat16 prepared for a shape. Thread-compatible.
class BFloat16Product {
 public:
  explicit BFloat16Product(const GemmShape& s) : BFloat16Product(Describe(s)) {}

  size_t scratchpad_bytes() const { return scratchpad_.get_desc().get_size(); }

  void Run(void* scratchpad, const BFloat16* a, const BFloat16* b, float* c) {
    SetData(scratchpad_, scratchpad);
    SetData(a_, a);
    SetData(b_, b);
    SetData(c_, c);
    Execute(matmul_, {{DNNL_ARG_SRC, a_.get()},
                      {DNNL_ARG_WEIGHTS, b_.get()},
                      {DNNL_ARG_DST, c_.get()},
                      {DNNL_ARG_SCRATCHPAD, scratchpad_.get()}});
  }

 private:
  using Desc = dnnl::matmul::primitive_desc;

  static memory::desc MatrixDesc(int64_t rows, int64_t columns,
                                 memory::data_type type, Transpose transpose) {
    return {{rows, columns},
            type,
            transpose == Transpose::kNo ? memory::format_tag::ab
                                        : memory::format_tag::ba};
  }
  static Desc Describe(const GemmShape& s) {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (s.add) {
      dnnl::post_ops add;
      add.append_sum(1.0f);
      attributes.set_post_ops(add);
    }
    using Type = memory::data_type;
    return {{MatrixDesc(s.rows, s.inner, Type::bf16, s.a),
             MatrixDesc(s.inner, s.columns, Type::bf16, s.b),
             MatrixDesc(s.rows, s.columns, Type::f32, Transpose::kNo)},
            attributes,
            Engine()};
  }
  explicit BFloat16Product(const Desc& desc)
      : matmul_(desc),
        a_(desc.src_desc(), Engine(), nullptr),
        b_(desc.weights_desc(), Engine(), nullptr),
        c_(desc.dst_desc(), Engine(), nullptr),
        scratchpad_(desc.scratchpad_desc(), Engine(), nullptr) {}

  dnnl::matmul matmul_;
  memory a_, b_, c_, scratchpad_;
};

// A thread's products.
class BFloat16Products {
 public:
  void Run(const GemmShape& s, const BFloat16* a, const BFloat16* b, float* c) {
    const Key key = {s.a, s.b, s.rows, s.columns, s.inner, s.add};
    // A search goes through many shapes; oneDNN's own cache makes those it has
    // seen again at little cost.
    constexpr size_t kKept = 1024;
    if (products_.size() >= kKept && !products_.contains(key)) {
      products_.clear();
    }
    BFloat16Product& product = products_.try_emplace(key, s).first->second;
    constexpr size_t kAlignment = 64;
    const size_t bytes = product.scratchpad_bytes() + kAlignment;
    if (scratchpad_.size() < bytes) scratchpad_.resize(bytes);
    void* aligned = scratchpad_.data();
    size_t space = scratchpad_.size();
    std::align(kAlignment, product.scratchpad_bytes(), aligned, space);
    product.Run(aligned, a, b, c);
  }

 private:
  using Key = std::tuple<Transpose, Transpose, int64_t, int64_t, int64_t, bool>;

  std::map<Key, BFloat16Product> products_;
  std::vector<std::byte> scratchpad_;
};

}  // namespace

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

void Gemm(const GemmShape& s, const BFloat16* a, const BFloat16* b, float* c) {
  ApplyComputeThreads(false);
  thread_local BFloat16Products products;
  products.Run(s, a, b, c);
}

bool BFloat16GemmIsFast() {
  const auto has = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto amx = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_amx);
  return (has & amx) == amx;
}

}  // namespace frostnas::nn
