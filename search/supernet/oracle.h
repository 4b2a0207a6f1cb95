// What strategies ask, answered by a trained supernet and the latency of a
// study's devices.
#ifndef FROSTNAS_SEARCH_SUPERNET_ORACLE_H_
#define FROSTNAS_SEARCH_SUPERNET_ORACLE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "latency/expected_latency.h"
#include "proto/frostnas/v1/space.pb.h"
#include "search/strategies/strategy.h"
#include "search/supernet/trainer.h"

namespace frostnas::search {

// A device's limit, by prediction.
struct DeviceLimit {
  const latency::ExpectedLatency* latency = nullptr;
  double limit_ns = 0;
};

struct OracleOptions {
  std::vector<DeviceLimit> limits;
  // Architecture steps for each limit asked for.
  int limit_steps = 20;
  // Called before each dear answer; its error is the answer.
  std::function<absl::Status()> before_work;
};

class SupernetOracle : public Oracle {
 public:
  // The trainer must outlive it.
  SupernetOracle(SupernetTrainer& trainer, OracleOptions options)
      : trainer_(trainer), options_(std::move(options)) {}

  const latency::ExpectedLatency& latency() const override;
  absl::StatusOr<std::string> Digest(absl::Span<const int> path) override;
  absl::StatusOr<bool> KeepsLimits(absl::Span<const int> path) override;
  absl::StatusOr<double> Top1(absl::Span<const int> path) override;
  latency::SlotValues Logits() const override;
  absl::StatusOr<latency::SlotValues> LogitsForLimit(double limit_ns) override;

 private:
  SupernetTrainer& trainer_;
  const OracleOptions options_;
  uint64_t limits_asked_ = 0;
};

// A path as it is stored.
v1::Choice ChoiceOf(absl::Span<const int> path);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SUPERNET_ORACLE_H_
