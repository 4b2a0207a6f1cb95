// Expected latency of a distribution over the architectures of a space, and
// its gradient: what a differentiable search sees of the device.
//
// A candidate's latency depends on the shape that enters its slot, and that
// shape is the same whatever the other slots choose. So the expectation is
// exact and linear (ProxylessNAS, arXiv 1812.00332, eq. 2 and 3):
//
//   E = fixed + sum over slots sum over k of p[s][k] * ns[s][k],
//
// with what a candidate's ops add to a network, by the table's predictor, for
// ns. All times are nanoseconds.
//
//   const auto expected = ExpectedLatency::FromTable(space, table);
//   const double ns = expected->Value(p);
//
// Distributions with other numbers of slots or candidates than the space are
// bugs (CHECK). Immutable after creation, so thread-safe.
#ifndef FROSTNAS_LATENCY_EXPECTED_LATENCY_H_
#define FROSTNAS_LATENCY_EXPECTED_LATENCY_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "arch/space.h"
#include "latency/latency_table.h"

namespace frostnas::latency {

// One row a slot, one value a candidate of it.
using SlotValues = std::vector<std::vector<double>>;

class ExpectedLatency {
 public:
  // candidates_ns: what each slot's candidates add; finite, 0 for skip.
  // fixed_ns: what every architecture of the space has; finite.
  // INVALID_ARGUMENT naming slot and candidate.
  static absl::StatusOr<ExpectedLatency> Create(SlotValues candidates_ns,
                                                double fixed_ns);

  // The same for a space by a table; every slot is searched, fixed ones with
  // their single candidate. NOT_FOUND: an op that the table lacks, naming it.
  static absl::StatusOr<ExpectedLatency> FromTable(
      const arch::SearchSpace& space, const LatencyTable& table);

  // Expected nanoseconds under probabilities p.
  double Value(const SlotValues& p) const;

  // dE/dp: constant, ns[s][k].
  SlotValues GradientByProbability() const;

  // dE/dalpha where p[s] = softmax(alpha[s] / temperature):
  // 1 / temperature * p_k * (ns_k - sum_j p_j ns_j). Each row sums to 0.
  SlotValues GradientByLogits(const SlotValues& alpha,
                              double temperature = 1) const;

  // Nanoseconds of one architecture; choice[s] is its candidate in slot s.
  double Point(absl::Span<const int> choice) const;

  // The bounds of Value and Point.
  double MinNs() const;
  double MaxNs() const;

  const SlotValues& candidates_ns() const { return candidates_ns_; }

 private:
  ExpectedLatency(SlotValues candidates_ns, double fixed_ns);

  SlotValues candidates_ns_;
  double fixed_ns_;
};

// exp(x_k / t) / sum_j exp(x_j / t), safe for large x. t > 0 (CHECK).
std::vector<double> Softmax(absl::Span<const double> logits,
                            double temperature = 1);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_EXPECTED_LATENCY_H_
