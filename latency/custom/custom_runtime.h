// A user's own runtime: the command it is, and the times it prints.
//
// Errors: INVALID_ARGUMENT, naming the file and the field.
#ifndef FROSTNAS_LATENCY_CUSTOM_CUSTOM_RUNTIME_H_
#define FROSTNAS_LATENCY_CUSTOM_CUSTOM_RUNTIME_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "proto/frostnas/v1/custom_runtime.pb.h"
#include "proto/frostnas/v1/measurement.pb.h"

namespace re2 {
class RE2;
}

namespace frostnas::latency {

// What stands in a command's braces.
struct CommandValues {
  std::string model;
  int threads = 1;
  std::vector<int> cores;
};

// Thread-compatible; copies share the compiled pattern.
class CustomRuntime {
 public:
  static absl::StatusOr<CustomRuntime> Create(const v1::CustomRuntime& config,
                                              absl::string_view source);

  const v1::CustomRuntime& config() const { return config_; }
  int runs() const;
  absl::Duration deadline() const;  // of one run

  std::vector<std::string> Command(const CommandValues& values) const;

  // The times in a run's output, nanoseconds, in order. Bytes may come from
  // anywhere. ABORTED: there is none, or one that is not a time; the message
  // shows the end of the output.
  absl::StatusOr<std::vector<int64_t>> SamplesNs(
      absl::string_view output) const;

 private:
  CustomRuntime() = default;

  v1::CustomRuntime config_;
  double unit_ns_ = 0;
  std::shared_ptr<const re2::RE2> pattern_;
};

// All of a textproto of v1::CustomRuntimes; devices differ.
absl::StatusOr<std::vector<CustomRuntime>> LoadCustomRuntimes(
    const std::string& path);

// A measurement of what the runs printed, a list of samples each, all not
// empty: the median of the runs' medians, its 95 % interval where there are
// enough runs (else the smallest and the largest), verdict REPORTED.
v1::Measurement ReportedMeasurement(
    absl::Span<const std::vector<int64_t>> runs);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_CUSTOM_CUSTOM_RUNTIME_H_
