// The logits a differentiable search moves, and what drives their latency to a
// limit.
//
// The search loss is CE + lambda * (E / limit - 1), E the expected latency.
// lambda is a multiplier in Lagrange's sense: after every step it grows by
// eta * (E / limit - 1) and never falls under 0, so that pressure lasts as long
// as E is over the limit and vanishes below it. A constant weight would have to
// be tuned for every space and device (methods 2.1, 2.4).
//
// Logits are moved by Adam with betas (0, 0.999), as ProxylessNAS does.
// Slots with one candidate have a constant logit. Thread-compatible.
#ifndef FROSTNAS_SEARCH_SUPERNET_ARCHITECTURE_PARAMETERS_H_
#define FROSTNAS_SEARCH_SUPERNET_ARCHITECTURE_PARAMETERS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/random.h"
#include "latency/expected_latency.h"
#include "nn/optim/optimizer.h"
#include "nn/parameter.h"
#include "proto/frostnas/v1/package.pb.h"
#include "search/supernet/gates.h"

namespace frostnas::search {

class ArchitectureParameters {
 public:
  // candidates[s] >= 1. Logits start as N(0, 1e-3) draws of `random`.
  static absl::StatusOr<std::unique_ptr<ArchitectureParameters>> Create(
      absl::Span<const int> candidates, Random random);

  int num_slots() const { return static_cast<int>(alphas_.size()); }
  // A row a slot.
  latency::SlotValues Logits() const;
  latency::SlotValues Probabilities() const;
  // Logits become `logits`; the optimizer starts anew. Shapes must fit (CHECK).
  void Reset(const latency::SlotValues& logits);

  // Adds to dL/dalpha of a slot, a value a candidate.
  void AddGradient(int slot, absl::Span<const double> gradient);
  // Moves all logits against their gradients and clears those.
  void Step(double learning_rate);
  // The same, where only the pairs have gradients: all other candidates of a
  // slot keep their probability. pairs[s] is ignored where active == other.
  void StepPairs(double learning_rate, absl::Span<const GatePair> pairs);

  // Over slots with a choice: mean entropy, nats.
  double MeanEntropy() const;

  // Logits and optimizer state, and back. INVALID_ARGUMENT: not of this space.
  std::string SaveState() const;
  absl::Status LoadState(const std::string& state);

 private:
  ArchitectureParameters() = default;

  std::vector<std::unique_ptr<nn::Parameter>> alphas_;
  std::unique_ptr<nn::Optimizer> optimizer_;
  std::string fresh_optimizer_;  // its state before the first step
};

// The multiplier of the latency term.
class LatencyPressure {
 public:
  // `latency` must outlive it. limit_ns > 0, eta >= 0 (CHECK).
  LatencyPressure(const latency::ExpectedLatency& latency, double limit_ns,
                  double eta);

  const latency::ExpectedLatency& latency() const { return latency_; }
  double limit_ns() const { return limit_ns_; }
  double lambda() const { return lambda_; }
  void set_lambda(double lambda) { lambda_ = lambda; }

  // lambda * (E / limit - 1), and its derivative by E.
  double Loss(double expected_ns) const;
  double LossByNs() const { return lambda_ / limit_ns_; }
  // After a step with this expected latency.
  void Update(double expected_ns);

 private:
  const latency::ExpectedLatency& latency_;
  double limit_ns_;
  double eta_;
  double lambda_ = 0;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SUPERNET_ARCHITECTURE_PARAMETERS_H_
