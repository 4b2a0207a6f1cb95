#include "search/spaces/spaces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "arch/cost.h"
#include "arch/digest.h"
#include "arch/op_key.h"
#include "arch/presets.h"
#include "base/file.h"
#include "base/random.h"
#include "base/status_matchers.h"

namespace frostnas::search {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

TEST(SpacesTest, EverySpaceMakesNetworksAtEveryPublishedWidth) {
  EXPECT_THAT(SpaceNames(), ElementsAre("frost", "frost_block", "mobilenetv2",
                                        "qf_mobilenetv1"));
  for (const std::string& name : SpaceNames()) {
    for (const double width : {0.35, 0.5, 0.75, 1.0, 1.25}) {
      ASSERT_OK_AND_ASSIGN(const arch::SearchSpace space,
                           LoadSpace(name, {.width = width}));
      EXPECT_EQ(space.spec().name(), name);
      EXPECT_FALSE(space.spec().description().empty());
      EXPECT_GT(space.NumChoices(), 1e6) << name;
      Random random(3);
      for (int i = 0; i < 10; ++i) {
        EXPECT_OK(space.ArchitectureOf(space.RandomChoice(random))) << name;
      }
    }
  }
}

// Index of the candidate of `slot` that is `block`, or of skip for null; -1:
// none.
int FindCandidate(const arch::SearchSlot& slot, const v1::Block* block) {
  for (size_t i = 0; i < slot.candidates.size(); ++i) {
    const arch::SlotCandidate& candidate = slot.candidates[i];
    if (candidate.skip != (block == nullptr)) continue;
    if (candidate.skip) return static_cast<int>(i);
    const auto wanted =
        arch::ExpandBlock(*block, slot.in, candidate.graph.num_classes);
    if (wanted.ok() &&
        arch::CanonicalForm(*wanted) == arch::CanonicalForm(candidate.graph)) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

// The choice that gives `network`, whose blocks are named as slots.
v1::Choice ChoiceOf(const arch::SearchSpace& space,
                    const v1::Architecture& network) {
  v1::Choice choice;
  for (const arch::SearchSlot& slot : space.slots()) {
    const v1::Block* block = nullptr;
    for (const v1::Block& candidate : network.blocks()) {
      if (candidate.name() == slot.name) block = &candidate;
    }
    choice.add_candidate(FindCandidate(slot, block));
  }
  return choice;
}

TEST(SpacesTest, FrostHoldsFrostNetSmallAtEveryPublishedWidth) {
  for (const double width : {0.35, 0.5, 0.75, 1.0, 1.25}) {
    const arch::SpaceOverrides overrides = {
        .width = width, .input_size = 224, .num_classes = 1000};
    ASSERT_OK_AND_ASSIGN(const arch::SearchSpace space,
                         LoadSpace("frost", overrides));
    ASSERT_OK_AND_ASSIGN(const v1::Architecture preset,
                         arch::PresetArchitecture("frostnet_small", overrides));
    ASSERT_OK_AND_ASSIGN(const v1::Architecture found,
                         space.ArchitectureOf(ChoiceOf(space, preset)));
    EXPECT_EQ(*arch::ArchitectureDigest(found),
              *arch::ArchitectureDigest(preset))
        << width;
  }
}

TEST(SpacesTest, MobileNetV2HoldsMobileNetV2) {
  ASSERT_OK_AND_ASSIGN(const arch::SearchSpace space,
                       LoadSpace("mobilenetv2", {.width = 1}));
  ASSERT_OK_AND_ASSIGN(
      const v1::Architecture preset,
      arch::PresetArchitecture(
          "mobilenet_v2", {.width = 1, .input_size = 32, .num_classes = 10}));
  ASSERT_OK_AND_ASSIGN(const v1::Architecture found,
                       space.ArchitectureOf(ChoiceOf(space, preset)));
  EXPECT_EQ(*arch::ArchitectureDigest(found),
            *arch::ArchitectureDigest(preset));
}

TEST(SpacesTest, FrostHasEightCandidatesAndSkipWhereTheShapeIsKept) {
  ASSERT_OK_AND_ASSIGN(const arch::SearchSpace space,
                       LoadSpace("frost", {.width = 1}));
  int with_skip = 0;
  int choosing = 0;
  for (const arch::SearchSlot& slot : space.slots()) {
    if (slot.candidates.size() == 1) continue;
    ++choosing;
    with_skip += slot.candidates.back().skip;
  }
  // Stages of 3, 3, 3, 3, 3 and 1 slots; the first of each has no skip.
  EXPECT_EQ(choosing, 16);
  EXPECT_EQ(with_skip, 10);
}

TEST(SpacesTest, DistinctOpsCoverEveryNetworkOfTheSpace) {
  ASSERT_OK_AND_ASSIGN(const arch::SearchSpace space, LoadSpace("frost", {}));
  std::set<std::string> ops;
  for (const v1::OpKey& op : arch::DistinctOps(space)) {
    EXPECT_TRUE(ops.insert(arch::OpKeyText(op)).second);
    EXPECT_OK(arch::LayerOf(op));
  }
  Random random(11);
  for (int i = 0; i < 50; ++i) {
    ASSERT_OK_AND_ASSIGN(const v1::Architecture network,
                         space.ArchitectureOf(space.RandomChoice(random)));
    ASSERT_OK_AND_ASSIGN(const arch::Graph graph,
                         arch::ExpandArchitecture(network));
    for (const v1::OpKey& op : arch::DistinctOps(graph)) {
      EXPECT_TRUE(ops.contains(arch::OpKeyText(op))) << arch::OpKeyText(op);
    }
  }
}

TEST(LoadSpaceTest, ReadsAFileAndNamesWhatIsWrong) {
  ASSERT_OK_AND_ASSIGN(const TempDir dir, TempDir::Create());
  const std::string path = JoinPath(dir.path(), "mine.textproto");
  ASSERT_OK(WriteFileAtomic(path, "name: 'mine' width: 2"));
  ASSERT_OK_AND_ASSIGN(const v1::Space spec, LoadSpaceSpec(path));
  EXPECT_EQ(spec.name(), "mine");
  EXPECT_THAT(LoadSpace(path, {}),
              StatusIs(kInvalid, HasSubstr("\"mine\" has 0 slots")));
  ASSERT_OK(WriteFileAtomic(path, "name: 'mine' wdth: 2"));
  EXPECT_THAT(LoadSpace(path, {}), StatusIs(kInvalid, HasSubstr(path + ":1:")));
  EXPECT_THAT(LoadSpace("frots", {}),
              StatusIs(kInvalid, HasSubstr("spaces are frost, ")));
}

}  // namespace
}  // namespace frostnas::search
