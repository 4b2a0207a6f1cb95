// A new device's op latencies from those of known devices and of the few ops
// that were measured on it.
//
//   t_new = r * t_known * (1 + a[kind] + (b[kind] + c[kind] * activation bytes
//           + d[kind] * weight bytes) / t_known + e * other devices + f[op])
//
// with r the median ratio of what both have; the rest is fitted as far as the
// measured ops tell (gaussian_fit.h), f[op] being what is left uncertain.
//
// Thread-safe: no state.
#ifndef FROSTNAS_LATENCY_PREDICT_TRANSFER_H_
#define FROSTNAS_LATENCY_PREDICT_TRANSFER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "latency/latency_table.h"
#include "proto/frostnas/v1/measurement.pb.h"

namespace frostnas::latency {

// Entries for those of `ops` that `table` has not measured and the first of
// `known`, at least one (CHECK), has: samples 0 and the half of a 95 % interval
// for an error. `table` may have no measured op of those yet: r is 1 then.
absl::StatusOr<std::vector<v1::OpLatency>> InferOps(
    absl::Span<const LatencyTable> known, const LatencyTable& table,
    absl::Span<const v1::OpKey> ops);

// The `count` of `ops` to measure first on a new device: those that the first
// of `known` lacks, then those that tell most about the others.
absl::StatusOr<std::vector<v1::OpKey>> PickOps(
    absl::Span<const LatencyTable> known, absl::Span<const v1::OpKey> ops,
    int count);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PREDICT_TRANSFER_H_
