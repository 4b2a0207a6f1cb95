#include "quant/xnnpack/runtime.h"

#include <cpuinfo.h>
#include <pthreadpool.h>
#include <xnnpack.h>

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/check.h"

namespace frostnas::quant {
namespace {

// In the order in which XNNPACK's initialization asks for 8-bit kernels.
std::string DetectIsa() {
  if (!cpuinfo_initialize()) return "unknown";
#if defined(__aarch64__)
  return cpuinfo_has_arm_neon_dot() ? "neon_dot" : "neon";
#else
  if (cpuinfo_has_x86_avx512f() && cpuinfo_has_x86_avx512bw() &&
      cpuinfo_has_x86_avx512cd() && cpuinfo_has_x86_avx512dq() &&
      cpuinfo_has_x86_avx512vl()) {
    return "avx512skx";
  }
  if (cpuinfo_has_x86_xop()) return "xop";
  if (cpuinfo_has_x86_avx2()) return "avx2";
  if (cpuinfo_has_x86_avx()) return "avx";
  return cpuinfo_has_x86_sse4_1() ? "sse41" : "sse2";
#endif
}

struct Pools {
  absl::Mutex mutex;
  std::map<int, std::weak_ptr<pthreadpool>> by_threads ABSL_GUARDED_BY(mutex);
};

}  // namespace

absl::Status InitializeXnnpack() {
  const xnn_status status = xnn_initialize(/*allocator=*/nullptr);
  if (status == xnn_status_success) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "XNNPACK does not run on this processor (status ", status, ")"));
}

std::string XnnpackName() {
  return absl::StrCat("xnnpack ", FROSTNAS_XNNPACK_VERSION);
}

std::string XnnpackIsa() {
  static const std::string* const isa = new std::string(DetectIsa());
  return *isa;
}

ThreadPool SharedThreadPool(int threads) {
  CHECK_GE(threads, 1);
  if (threads == 1) return nullptr;
  static Pools* const pools = new Pools;
  const absl::MutexLock lock(&pools->mutex);
  std::weak_ptr<pthreadpool>& slot = pools->by_threads[threads];
  ThreadPool pool = slot.lock();
  if (pool == nullptr) {
    pool = ThreadPool(pthreadpool_create(threads), pthreadpool_destroy);
    CHECK(pool != nullptr) << "cannot create " << threads << " threads";
    slot = pool;
  }
  return pool;
}

}  // namespace frostnas::quant
