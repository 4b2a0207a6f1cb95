// Start here for strategies: who decides which architectures become trials.
//
// A strategy sees the trained supernet through an Oracle and proposes a number
// of different architectures whose predicted latencies spread over the limits
// asked for. Proposals are only candidates for a front: what is on it, measured
// values decide.
//
//   ASSIGN_OR_RETURN(auto strategy, CreateStrategy(v1::STRATEGY_PROXYLESS));
//   ASSIGN_OR_RETURN(auto proposals, strategy->Propose(oracle, request));
//
// Deterministic for an oracle and the request's Random. An oracle's errors are
// passed on; CANCELLED when the oracle says so. Strategies have no state and
// may be shared; an oracle is used by one thread.
#ifndef FROSTNAS_SEARCH_STRATEGIES_STRATEGY_H_
#define FROSTNAS_SEARCH_STRATEGIES_STRATEGY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/random.h"
#include "latency/expected_latency.h"

namespace frostnas::search {

// What strategies may ask. Paths are one candidate index a slot.
class Oracle {
 public:
  virtual ~Oracle() = default;

  // Predicted latency on the device searched for.
  virtual const latency::ExpectedLatency& latency() const = 0;

  // Identity of the path's network (arch/digest.h): other paths may give the
  // same one. INVALID_ARGUMENT: the path is no network.
  virtual absl::StatusOr<std::string> Digest(absl::Span<const int> path) = 0;

  // Whether the path keeps every device's limit by prediction.
  virtual absl::StatusOr<bool> KeepsLimits(absl::Span<const int> path) = 0;

  // Accuracy with inherited weights on the validation split, 0..1. Dear: a
  // second or so.
  virtual absl::StatusOr<double> Top1(absl::Span<const int> path) = 0;

  // Architecture logits as the search left them.
  virtual latency::SlotValues Logits() const = 0;

  // Logits after some steps with this limit. Dear: some seconds.
  virtual absl::StatusOr<latency::SlotValues> LogitsForLimit(
      double limit_ns) = 0;
};

struct ProposalRequest {
  // Rising, each at least latency().MinNs(). The last is never exceeded.
  std::vector<double> limits_ns;
  // Proposals wanted; fewer come back when the space has no more.
  int wanted = 0;
  // At most this many paths are evaluated with Oracle::Top1.
  int evaluations = 0;
  Random random = Random(0);
};

struct ProposedPath {
  std::vector<int> path;
  std::string digest;
  double predicted_ns = 0;
  // On the validation split with inherited weights.
  double top1 = 0;
  // For people: "limit 3.20 ms", "sample", "evolution", ...
  std::string origin;
};

class Strategy {
 public:
  virtual ~Strategy() = default;

  // Distinct by digest, by rising predicted latency.
  virtual absl::StatusOr<std::vector<ProposedPath>> Propose(
      Oracle& oracle, const ProposalRequest& request) const = 0;
};

// `count` limits, spaced evenly in their logarithms between 2 % and 75 % of the
// way from the cheapest to the dearest network. With a hard limit (> 0) the
// dearest is that limit, and the last of the result is the limit itself.
std::vector<double> SpreadLimits(const latency::ExpectedLatency& latency,
                                 int count, double hard_limit_ns);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_STRATEGIES_STRATEGY_H_
