// Proposals from architecture logits: what a differentiable search found.
//
// For each limit the logits are moved on with that limit's multiplier, and the
// most probable path that keeps the limit is proposed. What is left of the
// evaluations goes to samples of the same distributions, drawn in turn over the
// limits and cut to the limit by the same dynamic programming (the sample's
// candidates get a bonus). Which gates moved the logits, binarized or Gumbel's,
// is the oracle's affair.
#ifndef FROSTNAS_SEARCH_STRATEGIES_GRADIENT_H_
#define FROSTNAS_SEARCH_STRATEGIES_GRADIENT_H_

#include <vector>

#include "absl/status/statusor.h"
#include "search/strategies/strategy.h"

namespace frostnas::search {

class GradientStrategy : public Strategy {
 public:
  absl::StatusOr<std::vector<ProposedPath>> Propose(
      Oracle& oracle, const ProposalRequest& request) const override;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_STRATEGIES_GRADIENT_H_
