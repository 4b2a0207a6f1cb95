#include "search/strategies/create_strategy.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "search/strategies/evolution.h"
#include "search/strategies/gradient.h"
#include "search/strategies/random_search.h"

namespace frostnas::search {

absl::StatusOr<std::unique_ptr<Strategy>> CreateStrategy(v1::Strategy kind) {
  switch (kind) {
    case v1::STRATEGY_PROXYLESS:
    case v1::STRATEGY_GUMBEL:
      return std::make_unique<GradientStrategy>();
    case v1::STRATEGY_RANDOM:
      return std::make_unique<RandomStrategy>();
    case v1::STRATEGY_EVOLUTION:
      return std::make_unique<EvolutionStrategy>();
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("strategy: ", static_cast<int>(kind),
                       " is not one of proxyless, gumbel, random, evolution"));
  }
}

}  // namespace frostnas::search
