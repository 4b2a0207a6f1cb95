#include "arch/space.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "arch/block_rules.h"
#include "arch/digest.h"
#include "arch/width.h"
#include "base/status_macros.h"

namespace frostnas::arch {
namespace {

constexpr int kMaxSlots = 256;
constexpr int kMaxCandidates = 64;
constexpr double kMinWidth = 0.05;
constexpr double kMaxWidth = 8;

absl::Status Fails(const v1::Slot& slot, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("slot \"", slot.name(), "\": ", why));
}

void Apply(const SpaceOverrides& overrides, v1::Space& space) {
  if (overrides.width) space.set_width(*overrides.width);
  if (overrides.input_size) space.set_input_size(*overrides.input_size);
  if (overrides.input_channels) {
    space.set_input_channels(*overrides.input_channels);
  }
  if (overrides.num_classes) space.set_num_classes(*overrides.num_classes);
}

absl::Status CheckSpace(const v1::Space& space) {
  if (!IsBlockName(space.name())) {
    return absl::InvalidArgumentError(
        "space name must be 1..32 characters of [a-z0-9_]");
  }
  // Written so that a NaN fails.
  if (!(space.width() >= kMinWidth && space.width() <= kMaxWidth)) {
    return absl::InvalidArgumentError(absl::StrCat("width is ", space.width(),
                                                   "; it must be ", kMinWidth,
                                                   "..", kMaxWidth));
  }
  if (space.slots_size() < 1 || space.slots_size() > kMaxSlots) {
    return absl::InvalidArgumentError(
        absl::StrCat("space \"", space.name(), "\" has ", space.slots_size(),
                     " slots; it must have 1..", kMaxSlots));
  }
  absl::flat_hash_set<absl::string_view> names;
  for (const v1::Slot& slot : space.slots()) {
    if (!IsBlockName(slot.name())) {
      return Fails(slot, "its name must be 1..32 characters of [a-z0-9_]");
    }
    if (!names.insert(slot.name()).second) {
      return Fails(slot, "its name is taken; names are unique");
    }
    if (slot.candidates_size() > kMaxCandidates) {
      return Fails(slot, absl::StrCat("has ", slot.candidates_size(),
                                      " candidates; at most ", kMaxCandidates,
                                      " are allowed"));
    }
  }
  return absl::OkStatus();
}

bool KeepsResolution(const v1::Space& space, const v1::Slot& slot) {
  return slot.keep_resolution_when_small() &&
         space.input_size() <= space.small_input_size();
}

void SetStrideOne(v1::Block& block) {
  if (block.has_conv()) block.mutable_conv()->set_stride(1);
  if (block.has_frost()) block.mutable_frost()->set_stride(1);
  if (block.has_inverted_residual()) {
    block.mutable_inverted_residual()->set_stride(1);
  }
  if (block.has_separable()) block.mutable_separable()->set_stride(1);
}

// Makes the slots of a space one after the other, writing back to the space
// which candidates remain.
class SlotBuilder {
 public:
  explicit SlotBuilder(v1::Space& space) : space_(space) {
    shape_ = {.size = space.input_size(), .channels = space.input_channels()};
  }

  absl::StatusOr<SearchSlot> Build(v1::Slot& slot);

 private:
  absl::StatusOr<SlotCandidate> Scale(const v1::Slot& slot,
                                      const v1::Candidate& candidate) const;
  absl::StatusOr<FeatureShape> OutputShape(
      const v1::Slot& slot, const std::vector<SlotCandidate>& all) const;

  v1::Space& space_;
  FeatureShape shape_;  // where the next slot starts
};

absl::StatusOr<SlotCandidate> SlotBuilder::Scale(
    const v1::Slot& slot, const v1::Candidate& candidate) const {
  SlotCandidate scaled;
  scaled.graph.input = shape_;
  scaled.graph.num_classes = space_.num_classes();
  switch (candidate.kind_case()) {
    case v1::Candidate::kSkip:
      if (!candidate.skip()) return Fails(slot, "skip must be true or absent");
      scaled.skip = true;
      return scaled;
    case v1::Candidate::kBlock:
      break;
    case v1::Candidate::KIND_NOT_SET:
      return Fails(slot, "a candidate has neither block nor skip");
  }
  if (!candidate.block().name().empty()) {
    return Fails(slot, "a candidate's block has a name; the slot names it");
  }
  v1::Block named = candidate.block();
  named.set_name(slot.name());
  // Before scaling too: width must not hide a value that is out of range.
  RETURN_IF_ERROR(CheckBlockFields(named));
  ASSIGN_OR_RETURN(scaled.block,
                   ScaleBlock(std::move(named), space_, slot.role()));
  if (KeepsResolution(space_, slot)) SetStrideOne(scaled.block);
  ASSIGN_OR_RETURN(scaled.graph,
                   ExpandBlock(scaled.block, shape_, space_.num_classes()));
  return scaled;
}

// What the slot's blocks agree on; the input where there is only skip.
absl::StatusOr<FeatureShape> SlotBuilder::OutputShape(
    const v1::Slot& slot, const std::vector<SlotCandidate>& all) const {
  const SlotCandidate* first = nullptr;
  for (const SlotCandidate& candidate : all) {
    if (candidate.skip) continue;
    if (first == nullptr) first = &candidate;
    if (candidate.graph.layers.back().out != first->graph.layers.back().out) {
      return Fails(slot,
                   "its candidates' strides or out_channels differ; every "
                   "candidate of a slot must give the same shape");
    }
  }
  return first == nullptr ? shape_ : first->graph.layers.back().out;
}

absl::StatusOr<SearchSlot> SlotBuilder::Build(v1::Slot& slot) {
  std::vector<SlotCandidate> all;
  for (const v1::Candidate& candidate : slot.candidates()) {
    ASSIGN_OR_RETURN(SlotCandidate scaled, Scale(slot, candidate));
    all.push_back(std::move(scaled));
  }
  SearchSlot built;
  built.name = slot.name();
  built.in = shape_;
  ASSIGN_OR_RETURN(built.out, OutputShape(slot, all));
  v1::Slot kept = slot;
  kept.clear_candidates();
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < slot.candidates_size(); ++i) {
    if (all[i].skip && built.in != built.out) continue;
    if (!seen.insert(CanonicalForm(all[i].graph)).second) continue;
    *kept.add_candidates() = slot.candidates(i);
    built.candidates.push_back(std::move(all[i]));
  }
  if (built.candidates.empty()) {
    return Fails(slot, "has no candidate that can stand here; add a block");
  }
  slot = std::move(kept);
  shape_ = built.out;
  return built;
}

bool IsClassifier(const SearchSlot& slot) {
  return slot.candidates.size() == 1 && !slot.candidates[0].skip &&
         slot.candidates[0].block.has_classifier();
}

}  // namespace

absl::StatusOr<SearchSpace> SearchSpace::Create(
    const v1::Space& spec, const SpaceOverrides& overrides) {
  SearchSpace space;
  space.spec_ = spec;
  Apply(overrides, space.spec_);
  RETURN_IF_ERROR(CheckSpace(space.spec_));
  SlotBuilder builder(space.spec_);
  for (v1::Slot& slot : *space.spec_.mutable_slots()) {
    ASSIGN_OR_RETURN(SearchSlot built, builder.Build(slot));
    space.slots_.push_back(std::move(built));
  }
  if (!IsClassifier(space.slots_.back())) {
    return Fails(*space.spec_.slots().rbegin(),
                 "the last slot must hold one classifier and nothing else");
  }
  // Names, order and the network's own fields are ExpandArchitecture's to
  // judge; any choice shows them.
  v1::Choice first;
  first.mutable_candidate()->Resize(spec.slots_size(), 0);
  RETURN_IF_ERROR(space.ArchitectureOf(first).status());
  return space;
}

FeatureShape SearchSpace::input() const {
  return {.size = spec_.input_size(), .channels = spec_.input_channels()};
}

absl::StatusOr<v1::Architecture> SearchSpace::ArchitectureOf(
    const v1::Choice& choice) const {
  if (choice.candidate_size() != static_cast<int>(slots_.size())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "choice has ", choice.candidate_size(), " entries; space \"",
        spec_.name(), "\" has ", slots_.size(), " slots"));
  }
  v1::Architecture architecture;
  architecture.set_name(spec_.name());
  architecture.set_input_size(spec_.input_size());
  architecture.set_input_channels(spec_.input_channels());
  architecture.set_num_classes(spec_.num_classes());
  for (size_t i = 0; i < slots_.size(); ++i) {
    const int index = choice.candidate(i);
    const int count = static_cast<int>(slots_[i].candidates.size());
    if (index < 0 || index >= count) {
      return absl::InvalidArgumentError(
          absl::StrCat("choice takes candidate ", index, " of slot \"",
                       slots_[i].name, "\"; it has ", count));
    }
    const SlotCandidate& candidate = slots_[i].candidates[index];
    if (!candidate.skip) *architecture.add_blocks() = candidate.block;
  }
  RETURN_IF_ERROR(ExpandArchitecture(architecture).status());
  return architecture;
}

double SearchSpace::NumChoices() const {
  double product = 1;
  for (const SearchSlot& slot : slots_) {
    product *= static_cast<double>(slot.candidates.size());
  }
  return product;
}

v1::Choice SearchSpace::RandomChoice(Random& random) const {
  v1::Choice choice;
  for (const SearchSlot& slot : slots_) {
    choice.add_candidate(
        static_cast<int>(random.UniformInt(slot.candidates.size())));
  }
  return choice;
}

}  // namespace frostnas::arch
