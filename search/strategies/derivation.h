// What strategies share: the best path under a limit, the pool of evaluated
// paths, and the choice of proposals that spread over latency.
//
// Thread-compatible.
#ifndef FROSTNAS_SEARCH_STRATEGIES_DERIVATION_H_
#define FROSTNAS_SEARCH_STRATEGIES_DERIVATION_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/random.h"
#include "latency/expected_latency.h"
#include "search/strategies/strategy.h"

namespace frostnas::search {

// The path with the largest sum of scores[slot][candidate] among those whose
// predicted latency is at most limit_ns: with logits for scores, the most
// probable path that keeps the limit. A multiple-choice knapsack, solved by
// dynamic programming over latency in 1/2000 of the room above the cheapest
// path, rounded up: the result always keeps the limit and may miss a better
// path by that rounding. nullopt: no path keeps it.
std::optional<std::vector<int>> BestPathUnder(
    const latency::SlotValues& scores, const latency::ExpectedLatency& latency,
    double limit_ns);

// A path drawn from softmax(logits), slot by slot.
std::vector<int> SamplePath(const latency::SlotValues& logits, Random& random);

// Logits of the uniform distribution over the space `latency` is of.
latency::SlotValues UniformLogits(const latency::ExpectedLatency& latency);

// Evaluated paths, one a network.
class Pool {
 public:
  // Evaluates at most `evaluations` paths; both must outlive it.
  Pool(Oracle& oracle, double limit_ns, int evaluations)
      : oracle_(oracle), limit_ns_(limit_ns), left_(evaluations) {}

  // Evaluates the path unless its network is known, it breaks a limit, or the
  // evaluations are used up. Returns its place in members(), or nullopt.
  absl::StatusOr<std::optional<int>> Add(std::vector<int> path,
                                         absl::string_view origin);

  bool exhausted() const { return left_ <= 0; }
  const std::vector<ProposedPath>& members() const { return members_; }

  // Marks a member as chosen whatever its accuracy.
  void Pin(int member);

  // Pinned members, then the most accurate of each latency interval (limits[i -
  // 1], limits[i]] in turn, until there are `wanted`. By rising latency.
  std::vector<ProposedPath> Select(absl::Span<const double> limits_ns,
                                   int wanted) const;

 private:
  Oracle& oracle_;
  double limit_ns_;
  int left_;
  std::vector<ProposedPath> members_;
  std::vector<int> pinned_;
  absl::flat_hash_map<std::string, int> by_digest_;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_STRATEGIES_DERIVATION_H_
