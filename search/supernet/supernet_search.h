// The supernet as the engine's search: trains it, then lets the study's
// strategy propose from it.
//
// The device searched for is the first with a latency limit, else the first of
// the spec; the limits of all devices bind the proposals, by prediction.
#ifndef FROSTNAS_SEARCH_SUPERNET_SUPERNET_SEARCH_H_
#define FROSTNAS_SEARCH_SUPERNET_SUPERNET_SEARCH_H_

#include <memory>

#include "absl/status/statusor.h"
#include "search/engine/search_phase.h"

namespace frostnas::search {

// A SearchPhaseFactory. INVALID_ARGUMENT: space, strategy, budget, or splits
// smaller than a batch. FAILED_PRECONDITION: a latency limit that no
// architecture meets, with the smallest latency there is.
absl::StatusOr<std::unique_ptr<SearchPhase>> MakeSupernetSearch(
    const SearchInputs& inputs);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SUPERNET_SUPERNET_SEARCH_H_
