#include "nn/threads.h"

#include <omp.h>

#include <algorithm>
#include <atomic>

namespace frostnas::nn {
namespace {

std::atomic<int>& Setting() {
  static std::atomic<int> setting(0);  // 0: not set
  return setting;
}

// The innermost ScopedComputeThreads of this thread; 0: none.
thread_local int scoped_threads = 0;

Part PartOf(int64_t count, int parts, int index) {
  return {.begin = count * index / parts,
          .end = count * (index + 1) / parts,
          .index = index};
}

}  // namespace

void SetComputeThreads(int threads) { Setting() = std::max(threads, 1); }

ScopedComputeThreads::ScopedComputeThreads(int threads)
    : before_(scoped_threads) {
  scoped_threads = std::max(threads, 1);
}

ScopedComputeThreads::~ScopedComputeThreads() {
  scoped_threads = before_;
  // Once the helpers of all threads outnumber the processors, libgomp lets
  // every one of them sleep at each barrier instead of wait for the next loop.
  // A thread that has done computing must not keep its helpers then.
  if (before_ == 0 && !omp_in_parallel()) {
    omp_pause_resource(omp_pause_soft, omp_get_initial_device());
  }
}

int ComputeThreads() {
  if (scoped_threads > 0) return scoped_threads;
  const int threads = Setting();
  return threads > 0 ? threads : omp_get_num_procs();
}

void ApplyComputeThreads(bool several) {
  // Inside a parallel region everything computes on the calling thread.
  if (omp_in_parallel()) return;
  // OpenMP keeps this number per thread, so one call at start is not enough.
  const int threads = several ? ComputeThreads() : 1;
  if (omp_get_max_threads() != threads) omp_set_num_threads(threads);
}

int PartCount(int64_t count, int64_t grain) {
  if (omp_in_parallel()) return 1;
  return static_cast<int>(
      std::clamp<int64_t>(count / grain, 1, ComputeThreads()));
}

void ParallelFor(int64_t count, int64_t grain,
                 absl::FunctionRef<void(const Part&)> body) {
  const int parts = PartCount(count, grain);
  if (parts == 1) return body(PartOf(count, 1, 0));
#pragma omp parallel for num_threads(parts) schedule(static, 1)
  for (int i = 0; i < parts; ++i) body(PartOf(count, parts, i));
}

}  // namespace frostnas::nn
