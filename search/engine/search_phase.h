// What the engine needs of a search: epochs it can run one at a time, a state
// it can store after each, and proposals at the end. The supernet implements
// it (search/supernet); the engine's tests use a fake.
//
// Deterministic: the same inputs, thread count and restored state give the same
// proposals. Thread-compatible.
#ifndef FROSTNAS_SEARCH_ENGINE_SEARCH_PHASE_H_
#define FROSTNAS_SEARCH_ENGINE_SEARCH_PHASE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/stop.h"
#include "latency/latency_table.h"
#include "nn/data/dataset.h"
#include "proto/frostnas/v1/package.pb.h"
#include "proto/frostnas/v1/space.pb.h"
#include "proto/frostnas/v1/study.pb.h"
#include "proto/frostnas/v1/study_service.pb.h"

namespace frostnas::search {

// An architecture worth evaluating, with weights to start from.
struct Proposal {
  v1::Choice choice;
  v1::FloatNetwork weights;  // architecture included
  std::string origin;        // "limit 3.20 ms", "sample", ...
};

// 0..1 of the call under way.
using ProgressCallback = std::function<void(double)>;

class SearchPhase {
 public:
  virtual ~SearchPhase() = default;

  virtual int epochs() const = 0;
  virtual int epochs_done() const = 0;

  // Runs the next epoch. CANCELLED: stopped; the state is then that after the
  // last whole epoch only if it is restored by LoadState.
  virtual absl::StatusOr<v1::SearchEpoch> RunEpoch(
      const StopToken& stop, const ProgressCallback& progress) = 0;

  // Everything the next epochs and proposals depend on, and back.
  // INVALID_ARGUMENT: not a state of this search.
  virtual std::string SaveState() = 0;
  virtual absl::Status LoadState(absl::string_view state) = 0;

  // At most `count` architectures that differ in their digests, after the last
  // epoch. FAILED_PRECONDITION: a latency limit that no architecture meets,
  // with the smallest latency there is.
  virtual absl::StatusOr<std::vector<Proposal>> Propose(
      int count, const StopToken& stop, const ProgressCallback& progress) = 0;
};

// What a search is made from. Referenced objects must outlive it.
struct SearchInputs {
  const v1::StudySpec& spec;
  const nn::Dataset& dataset;
  // One a device of the spec, in order; complete for the space.
  const std::vector<latency::LatencyTable>& tables;
};

using SearchPhaseFactory =
    std::function<absl::StatusOr<std::unique_ptr<SearchPhase>>(
        const SearchInputs&)>;

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_ENGINE_SEARCH_PHASE_H_
