// A device's INT8 operator latencies: what profiling fills and estimates read.
//
// An op is a fused layer with its shape (arch/op_key.h); a network's point
// estimate is slope * sum of its ops + intercept, by the table's calibration.
// All times are nanoseconds for `batch` images on `threads` threads.
//
// On disk: a v1::LatencyTable as textproto, at most 16 MiB and 100 000 ops.
// Bytes may come from anywhere.
// Errors: INVALID_ARGUMENT: not such a file, or a value out of range, naming
// the source and the line or op. FAILED_PRECONDITION: a format newer than this
// build, or tables that do not go together. NOT_FOUND: an op that is missing.
// Thread-compatible: const functions may run at the same time.
#ifndef FROSTNAS_LATENCY_LATENCY_TABLE_H_
#define FROSTNAS_LATENCY_LATENCY_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "arch/graph.h"
#include "proto/frostnas/v1/measurement.pb.h"

namespace frostnas::latency {

// Slope > 0 and finite, intercept finite; else INVALID_ARGUMENT.
absl::Status CheckCalibration(const v1::Calibration& calibration);

class LatencyTable {
 public:
  // An empty table, not calibrated (slope 1, intercept 0).
  LatencyTable(v1::Device device, int threads, int batch);

  // Checks every field. `source` names the origin in errors.
  static absl::StatusOr<LatencyTable> FromProto(const v1::LatencyTable& proto,
                                                absl::string_view source);
  static absl::StatusOr<LatencyTable> Parse(absl::string_view text,
                                            absl::string_view source);
  static absl::StatusOr<LatencyTable> Load(const std::string& path);

  // Ops in the order of their keys: equal tables give equal bytes.
  v1::LatencyTable ToProto() const;
  std::string Serialize() const;
  // Replaces the file as a whole or leaves it as it was.
  absl::Status Save(const std::string& path) const;

  // Adds one op; a later entry of the same op replaces the earlier.
  absl::Status Add(const v1::OpLatency& op);

  // Adds all entries of `other`, and its calibration where it has one. Both
  // must come from the same device fingerprint, threads and batch.
  absl::Status Merge(const LatencyTable& other);

  // Null when the table does not have it.
  const v1::OpLatency* Find(const v1::OpKey& op) const;
  // Those of `ops` that the table lacks, in order.
  std::vector<v1::OpKey> Missing(absl::Span<const v1::OpKey> ops) const;

  // Sum of the graph's ops, before calibration. NOT_FOUND names the op and
  // the remedy.
  absl::StatusOr<double> OpSumNs(const arch::Graph& graph) const;
  // The point estimate: slope * OpSumNs + intercept, at least 1.
  absl::StatusOr<int64_t> NetworkLatencyNs(const arch::Graph& graph) const;

  const v1::Device& device() const { return device_; }
  int threads() const { return threads_; }
  int batch() const { return batch_; }
  int num_ops() const { return static_cast<int>(ops_.size()); }
  const v1::Calibration& calibration() const { return calibration_; }
  // INVALID_ARGUMENT as CheckCalibration.
  absl::Status set_calibration(const v1::Calibration& calibration);

 private:
  v1::Device device_;
  int threads_;
  int batch_;
  v1::Calibration calibration_;
  // By the op's text (arch::OpKeyText), which orders them too.
  absl::btree_map<std::string, v1::OpLatency> ops_;
};

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_LATENCY_TABLE_H_
