// Proposals by NSGA-II on the trained supernet: accuracy with inherited
// weights against predicted latency.
//
// The first half of the evaluations is a random population that covers the
// limits; then parents are taken by tournaments on (rank, crowding), crossed
// over uniformly and mutated, one child at a time (the steady-state form: the
// budget is some tens of evaluations, not generations of a hundred).
#ifndef FROSTNAS_SEARCH_STRATEGIES_EVOLUTION_H_
#define FROSTNAS_SEARCH_STRATEGIES_EVOLUTION_H_

#include <vector>

#include "absl/status/statusor.h"
#include "search/strategies/strategy.h"

namespace frostnas::search {

class EvolutionStrategy : public Strategy {
 public:
  absl::StatusOr<std::vector<ProposedPath>> Propose(
      Oracle& oracle, const ProposalRequest& request) const override;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_STRATEGIES_EVOLUTION_H_
