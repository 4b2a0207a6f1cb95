#include "search/testing/fake_search.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "arch/digest.h"
#include "arch/graph.h"
#include "arch/space.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/status_macros.h"

namespace frostnas::search {

absl::StatusOr<v1::SearchEpoch> FakeSearch::RunEpoch(
    const StopToken& stop, const ProgressCallback& progress) {
  RETURN_IF_ERROR(stop.Check());
  progress(0.5);
  state_ += Sha256Hex(absl::StrCat(spec_.seed(), state_))[0];
  v1::SearchEpoch epoch;
  epoch.set_epoch(epochs_done());
  epoch.set_phase(epochs_done() <= spec_.budget().float_epochs() ? "float"
                                                                 : "search");
  epoch.set_train_loss(1.0 / epochs_done());
  return epoch;
}

absl::Status FakeSearch::LoadState(absl::string_view state) {
  if (state.size() > static_cast<size_t>(epochs())) {
    return absl::InvalidArgumentError("state: of a longer search");
  }
  state_ = std::string(state);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Proposal>> FakeSearch::Propose(
    int count, const StopToken& stop, const ProgressCallback& progress) {
  RETURN_IF_ERROR(stop.Check());
  ASSIGN_OR_RETURN(const arch::SearchSpace space,
                   arch::SearchSpace::Create(spec_.space()));
  Random random = Random(spec_.seed()).Split(state_);
  std::vector<Proposal> proposals;
  std::set<std::string> seen;
  while (static_cast<int>(proposals.size()) < count) {
    Proposal proposal;
    proposal.choice = space.RandomChoice(random);
    ASSIGN_OR_RETURN(*proposal.weights.mutable_architecture(),
                     space.ArchitectureOf(proposal.choice));
    ASSIGN_OR_RETURN(const arch::Graph graph,
                     arch::ExpandArchitecture(proposal.weights.architecture()));
    if (!seen.insert(arch::GraphDigest(graph)).second) continue;
    proposal.origin = "sample";
    proposals.push_back(std::move(proposal));
    progress(static_cast<double>(proposals.size()) / count);
  }
  return proposals;
}

absl::StatusOr<std::unique_ptr<SearchPhase>> MakeFakeSearch(
    const SearchInputs& inputs) {
  return std::make_unique<FakeSearch>(inputs);
}

}  // namespace frostnas::search
