// The runner's answer: one JSON line a message, each written at once.
#ifndef FROSTNAS_LATENCY_RUNNER_LINE_WRITER_H_
#define FROSTNAS_LATENCY_RUNNER_LINE_WRITER_H_

#include "absl/status/status.h"
#include "proto/frostnas/v1/runner.pb.h"

namespace frostnas::latency {

// Thread-compatible.
class LineWriter {
 public:
  // `descriptor` stays open for the writer's life and is not closed by it.
  explicit LineWriter(int descriptor) : descriptor_(descriptor) {}

  // UNAVAILABLE: nobody reads any more.
  absl::Status Write(const v1::RunnerLine& line);

 private:
  const int descriptor_;
};

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_RUNNER_LINE_WRITER_H_
