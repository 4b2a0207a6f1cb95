// How many threads computing uses: one setting for the process.
//
// Training is deterministic for one setting, since work is split into as many
// fixed parts as there are threads and partial sums are combined in order.
//
// SetComputeThreads is called once, at start, before the first computation.
// All functions may be called from any thread.
#ifndef FROSTNAS_NN_THREADS_H_
#define FROSTNAS_NN_THREADS_H_

#include <cstdint>

#include "absl/functional/function_ref.h"

namespace frostnas::nn {

// threads >= 1.
void SetComputeThreads(int threads);

// As set; the number of processors this process may use until then. On a
// thread with a ScopedComputeThreads, what that says.
int ComputeThreads();

// While one lives, what the thread that made it starts computes on `threads`
// >= 1 threads, and no other thread is affected: a measurement on one thread
// beside training on several. The outermost ends that thread's OpenMP helpers
// with it. Destroy on the same thread, in reverse order.
class ScopedComputeThreads {
 public:
  explicit ScopedComputeThreads(int threads);
  ~ScopedComputeThreads();
  ScopedComputeThreads(const ScopedComputeThreads&) = delete;
  ScopedComputeThreads& operator=(const ScopedComputeThreads&) = delete;

 private:
  int before_;
};

// Makes libraries that start OpenMP regions on the calling thread (oneDNN) use
// ComputeThreads(), or one thread unless `several`. Cheap; called before each
// such use.
void ApplyComputeThreads(bool several = true);

// A part of [0, count): [begin, end), handled by one thread.
struct Part {
  int64_t begin = 0;
  int64_t end = 0;
  int index = 0;  // 0 <= index < parts of the loop
};

// Parts ParallelFor makes of `count` items when a part must have at least
// `grain` (> 0) of them: at least 1, at most ComputeThreads(); 1 inside a
// ParallelFor.
int PartCount(int64_t count, int64_t grain);

// Splits [0, count) into PartCount(count, grain) contiguous parts whose sizes
// differ by at most one and runs `body` on each, in parallel. Returns when all
// are done. Nested calls run on the calling thread.
void ParallelFor(int64_t count, int64_t grain,
                 absl::FunctionRef<void(const Part&)> body);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_THREADS_H_
