// A SearchPhase without a supernet: its state is a text that every epoch
// extends, its proposals are drawn from that text.
#ifndef FROSTNAS_SEARCH_TESTING_FAKE_SEARCH_H_
#define FROSTNAS_SEARCH_TESTING_FAKE_SEARCH_H_

#include <memory>
#include <string>
#include <vector>

#include "search/engine/search_phase.h"

namespace frostnas::search {

class FakeSearch final : public SearchPhase {
 public:
  explicit FakeSearch(const SearchInputs& inputs) : spec_(inputs.spec) {}

  int epochs() const override {
    return spec_.budget().float_epochs() + spec_.budget().search_epochs();
  }
  int epochs_done() const override { return static_cast<int>(state_.size()); }
  absl::StatusOr<v1::SearchEpoch> RunEpoch(
      const StopToken& stop, const ProgressCallback& progress) override;
  std::string SaveState() override { return state_; }
  absl::Status LoadState(absl::string_view state) override;
  absl::StatusOr<std::vector<Proposal>> Propose(
      int count, const StopToken& stop,
      const ProgressCallback& progress) override;

 private:
  const v1::StudySpec spec_;
  std::string state_;  // a letter an epoch, each depending on those before
};

absl::StatusOr<std::unique_ptr<SearchPhase>> MakeFakeSearch(
    const SearchInputs& inputs);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_TESTING_FAKE_SEARCH_H_
