// XNNPACK in this process: initialization, threads, what it is called.
//
// Thread-safe.
#ifndef FROSTNAS_QUANT_XNNPACK_RUNTIME_H_
#define FROSTNAS_QUANT_XNNPACK_RUNTIME_H_

#include <pthreadpool.h>

#include <memory>
#include <string>

#include "absl/status/status.h"

namespace frostnas::quant {

// Before any other use of XNNPACK; cheap after the first call.
// FAILED_PRECONDITION: XNNPACK does not run on this processor.
absl::Status InitializeXnnpack();

// "xnnpack 0.0~git20220216".
std::string XnnpackName();

// The INT8 instructions that its kernels use here: "neon_dot", "neon",
// "avx512skx", ...; "unknown" where the processor cannot be read.
std::string XnnpackIsa();

// Threads for operators; get() is null for one thread, which is the caller's.
using ThreadPool = std::shared_ptr<pthreadpool>;

// The pool of `threads` >= 1 threads. Those who ask for it at the same time
// share it: threads of a second pool would wait for work by spinning on the
// cores of the first. They may run on the cores that the thread which first
// asked may run on.
ThreadPool SharedThreadPool(int threads);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_XNNPACK_RUNTIME_H_
