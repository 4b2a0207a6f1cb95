// Keeps this process on some cores.
#ifndef FROSTNAS_LATENCY_RUNNER_CORES_H_
#define FROSTNAS_LATENCY_RUNNER_CORES_H_

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace frostnas::latency {

// How many cores the calling thread may use.
int UsableCores();

// The calling thread, and every thread it makes from now on, runs on `cores`
// only; none: no change. INVALID_ARGUMENT: not a core's number. UNAVAILABLE: a
// core is offline, or not for this process.
absl::Status StayOnCores(absl::Span<const int> cores);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_RUNNER_CORES_H_
