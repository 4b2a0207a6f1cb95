// A device's INT8 operator latencies: what profiling fills and estimates read.
//
// An op is a fused layer with its shape (arch/op_key.h). Beside its ops a table
// keeps whole networks that were measured; predict/predictor.h makes estimates
// of both. All times are nanoseconds for `batch` images on `threads` threads.
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
#include "proto/frostnas/v1/space.pb.h"

namespace frostnas::latency {

// One measured network, as LatencyTable::AddNetwork takes it.
struct MeasuredNetwork {
  arch::Graph graph;
  int64_t median_ns = 0;
  int64_t error_ns = 0;
  int samples = 0;
  // See v1::NetworkLatency.
  bool held_out = false;
  v1::Choice choice;
};

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

  // Adds all entries of `other`, and takes its calibration where it has one.
  // Both must come from the same device fingerprint, threads and batch.
  absl::Status Merge(const LatencyTable& other);

  // Null when the table does not have it.
  const v1::OpLatency* Find(const v1::OpKey& op) const;
  // Those of `ops` that the table lacks, in order.
  std::vector<v1::OpKey> Missing(absl::Span<const v1::OpKey> ops) const;

  // The op's entry; else NOT_FOUND, naming the op and the remedy.
  absl::StatusOr<const v1::OpLatency*> Get(const v1::OpKey& op) const;

  // Adds a network; a later one of the same graph replaces the earlier. Its ops
  // need not be in the table.
  absl::Status AddNetwork(const MeasuredNetwork& network);
  // Null when the table does not have it.
  const v1::NetworkLatency* FindNetwork(absl::string_view arch_sha256) const;

  // See v1::LatencyTable::full_speeds. Keep adds those of references that have
  // none yet.
  const v1::FullSpeeds& full_speeds() const { return full_speeds_; }
  void KeepFullSpeeds(const v1::FullSpeeds& speeds);

  const v1::Device& device() const { return device_; }
  int threads() const { return threads_; }
  int batch() const { return batch_; }
  int num_ops() const { return static_cast<int>(ops_.size()); }
  const v1::Calibration& calibration() const { return calibration_; }
  // INVALID_ARGUMENT: slope not > 0 and finite, an intercept that is not
  // finite, or networks that are not well formed.
  absl::Status set_calibration(const v1::Calibration& calibration);

 private:
  v1::Device device_;
  int threads_;
  int batch_;
  v1::FullSpeeds full_speeds_;
  v1::Calibration calibration_;
  // By the op's text (arch::OpKeyText), which orders them too.
  absl::btree_map<std::string, v1::OpLatency> ops_;
};

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_LATENCY_TABLE_H_
