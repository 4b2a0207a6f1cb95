// A search space made concrete: width applied, candidates that cannot stand or
// that repeat another dropped, every choice an architecture.
//
//   ASSIGN_OR_RETURN(const SearchSpace space,
//                    SearchSpace::Create(spec, {.width = 0.35}));
//   ASSIGN_OR_RETURN(const v1::Architecture architecture,
//                    space.ArchitectureOf(space.RandomChoice(random)));
//
// What is dropped: skip where the slot changes the shape; a candidate whose
// layers equal an earlier one's (frost blocks without squeeze that differ in
// reduction only). spec() is what remains, channels still at width 1: creating
// from it again gives the same space, so choices can be stored beside it.
//
// INVALID_ARGUMENT naming slot and field. Thread-compatible; a value.
#ifndef FROSTNAS_ARCH_SPACE_H_
#define FROSTNAS_ARCH_SPACE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "arch/graph.h"
#include "base/random.h"
#include "proto/frostnas/v1/architecture.pb.h"
#include "proto/frostnas/v1/space.pb.h"

namespace frostnas::arch {

// Values that replace a space's defaults.
struct SpaceOverrides {
  std::optional<double> width = std::nullopt;
  std::optional<int> input_size = std::nullopt;
  std::optional<int> input_channels = std::nullopt;
  std::optional<int> num_classes = std::nullopt;
};

// One candidate of a slot, scaled.
struct SlotCandidate {
  // Identity: no block, no layers.
  bool skip = false;
  // Named as the slot.
  v1::Block block;
  // What the block expands to; its input is the slot's.
  Graph graph;
};

// One position of the network. All candidates take `in` to `out`.
struct SearchSlot {
  std::string name;
  FeatureShape in;
  FeatureShape out;
  std::vector<SlotCandidate> candidates;  // at least one
};

class SearchSpace {
 public:
  static absl::StatusOr<SearchSpace> Create(
      const v1::Space& spec, const SpaceOverrides& overrides = {});

  // With overrides applied and dropped candidates gone.
  const v1::Space& spec() const { return spec_; }
  const std::vector<SearchSlot>& slots() const { return slots_; }
  FeatureShape input() const;
  int num_classes() const { return spec_.num_classes(); }

  // The network that `choice` picks. INVALID_ARGUMENT: a choice that is not of
  // this space, or one whose network ExpandArchitecture refuses.
  absl::StatusOr<v1::Architecture> ArchitectureOf(
      const v1::Choice& choice) const;

  // How many choices there are; exact below 2^53. Choices that skip different
  // ones of equal neighbours can give the same network.
  double NumChoices() const;

  // Uniform and independent over candidates, slot by slot.
  v1::Choice RandomChoice(Random& random) const;

 private:
  SearchSpace() = default;

  v1::Space spec_;
  std::vector<SearchSlot> slots_;
};

}  // namespace frostnas::arch

#endif  // FROSTNAS_ARCH_SPACE_H_
