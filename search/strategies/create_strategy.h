// The strategies by their names in a study.
#ifndef FROSTNAS_SEARCH_STRATEGIES_CREATE_STRATEGY_H_
#define FROSTNAS_SEARCH_STRATEGIES_CREATE_STRATEGY_H_

#include <memory>

#include "absl/status/statusor.h"
#include "proto/frostnas/v1/study.pb.h"
#include "search/strategies/strategy.h"

namespace frostnas::search {

// INVALID_ARGUMENT: not one of the strategies, listing them.
absl::StatusOr<std::unique_ptr<Strategy>> CreateStrategy(v1::Strategy kind);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_STRATEGIES_CREATE_STRATEGY_H_
