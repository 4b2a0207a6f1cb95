// What the phone runner prints, put together from pieces of its output.
#ifndef FROSTNAS_LATENCY_PHONE_RUNNER_ANSWER_H_
#define FROSTNAS_LATENCY_PHONE_RUNNER_ANSWER_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "proto/frostnas/v1/measurement.pb.h"
#include "proto/frostnas/v1/runner.pb.h"

namespace frostnas::latency {

// Thread-compatible.
class RunnerAnswer {
 public:
  // Takes output as it comes; lines that are not the runner's are passed over
  // (a phone's shell may say something too).
  void Add(absl::string_view piece);

  // After all output: OK when the runner said hello in a format this build
  // knows and ended well; what it ended with, when it did not. UNAVAILABLE: it
  // was cut short. FAILED_PRECONDITION: another format.
  absl::Status Check() const;

  const v1::RunnerHello& hello() const { return hello_; }
  const std::optional<v1::RunnerTiming>& timing() const { return timing_; }
  const std::vector<v1::OpLatency>& ops() const { return ops_; }
  const std::optional<v1::SustainedLatency>& sustained() const {
    return sustained_;
  }
  const v1::RunnerEnd& end() const { return end_; }

 private:
  void AddLine(absl::string_view line);

  std::string rest_;  // of the last line, which is not whole yet
  v1::RunnerHello hello_;
  std::optional<v1::RunnerTiming> timing_;
  std::vector<v1::OpLatency> ops_;
  std::optional<v1::SustainedLatency> sustained_;
  v1::RunnerEnd end_;
  bool ended_ = false;
};

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PHONE_RUNNER_ANSWER_H_
