#include "quant/onednn/isa.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "oneapi/dnnl/dnnl.hpp"

namespace frostnas::quant {
namespace {

// Of our own kernels and of how layers are given to them: raised by changes
// that move latencies, so that tables measured before are not mixed with new
// ones.
constexpr int kOwnKernelsRevision = 2;

std::string NameOf(dnnl::cpu_isa isa) {
  switch (isa) {
    case dnnl::cpu_isa::sse41:
      return "sse41";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx2_vnni:
      return "avx2_vnni";
    case dnnl::cpu_isa::avx512_core:
      return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "avx512_core_amx";
    default:
      return absl::StrCat("isa_", static_cast<int>(isa));
  }
}

Int8Isa Detect() {
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  // By name rather than by bits: an unknown set is taken to saturate.
  const bool vnni512 = isa == dnnl::cpu_isa::avx512_core_vnni ||
                       isa == dnnl::cpu_isa::avx512_core_bf16 ||
                       isa == dnnl::cpu_isa::avx512_core_amx;
  return {.name = NameOf(isa),
          .exact = vnni512 || isa == dnnl::cpu_isa::avx2_vnni,
          .vnni512 = vnni512};
}

}  // namespace

const Int8Isa& DetectInt8Isa() {
  static const Int8Isa& isa = *new Int8Isa(Detect());
  return isa;
}

std::string Int8RuntimeName() {
  const dnnl_version_t* version = dnnl_version();
  return absl::StrCat("onednn ", version->major, ".", version->minor, ".",
                      version->patch, " ", DetectInt8Isa().name, " kernels ",
                      kOwnKernelsRevision);
}

}  // namespace frostnas::quant
