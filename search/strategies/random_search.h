// Proposals from uniform draws on the trained supernet: the baseline that every
// other strategy has to beat.
//
// Uniform draws crowd in the middle of the latency range, so every other draw
// is pushed towards a limit: random scores, and the best path under the limit.
#ifndef FROSTNAS_SEARCH_STRATEGIES_RANDOM_SEARCH_H_
#define FROSTNAS_SEARCH_STRATEGIES_RANDOM_SEARCH_H_

#include <vector>

#include "absl/status/statusor.h"
#include "search/strategies/strategy.h"

namespace frostnas::search {

class RandomStrategy : public Strategy {
 public:
  absl::StatusOr<std::vector<ProposedPath>> Propose(
      Oracle& oracle, const ProposalRequest& request) const override;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_STRATEGIES_RANDOM_SEARCH_H_
