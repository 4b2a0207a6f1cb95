#include "arch/space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>
#include <set>
#include <string>

#include "arch/digest.h"
#include "arch/graph.h"
#include "base/random.h"
#include "base/status_matchers.h"
#include "google/protobuf/text_format.h"

namespace frostnas::arch {
namespace {

using ::testing::HasSubstr;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

std::string FrostCandidate(int kernel, int expansion, int reduction,
                           int stride = 1, int channels = 32) {
  return "candidates { block { frost { out_channels: " +
         std::to_string(channels) + " kernel: " + std::to_string(kernel) +
         " stride: " + std::to_string(stride) +
         " expansion: " + std::to_string(expansion) +
         " reduction: " + std::to_string(reduction) + " } } } ";
}

std::string BodySlot(const std::string& name, const std::string& candidates) {
  return "slots { name: '" + name + "' role: SLOT_ROLE_BODY " + candidates +
         " } ";
}

v1::Space Spec(const std::string& body_slots) {
  v1::Space space;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "name: 'test' width: 1 input_size: 32 input_channels: 3 num_classes: 10 "
      "width_rule: WIDTH_RULE_FROST small_input_size: 64 "
      "slots { name: 'stem' role: SLOT_ROLE_STEM "
      "keep_resolution_when_small: true candidates { block { conv { "
      "out_channels: 32 kernel: 3 stride: 2 activation: ACTIVATION_RELU } } } "
      "} " +
          body_slots +
          "slots { name: 'classifier' role: SLOT_ROLE_HEAD candidates { block "
          "{ classifier { pool: GLOBAL_POOL_AVERAGE } } } }",
      &space));
  return space;
}

v1::Space TwoSlots() {
  return Spec(BodySlot("a", FrostCandidate(3, 3, 2) + FrostCandidate(3, 3, 4) +
                                FrostCandidate(5, 6, 4) +
                                "candidates { skip: true }") +
              BodySlot("b", FrostCandidate(3, 3, 4, 2, 64) +
                                FrostCandidate(5, 3, 4, 2, 64) +
                                "candidates { skip: true }"));
}

v1::Choice MakeChoice(std::initializer_list<int> indices) {
  v1::Choice choice;
  for (const int index : indices) choice.add_candidate(index);
  return choice;
}

TEST(SearchSpaceTest, FollowsShapesAndDropsSkipWhereTheShapeChanges) {
  ASSERT_OK_AND_ASSIGN(const SearchSpace space,
                       SearchSpace::Create(TwoSlots()));
  ASSERT_EQ(space.slots().size(), 4u);
  const SearchSlot& a = space.slots()[1];
  EXPECT_EQ(a.in, (FeatureShape{32, 32}));
  EXPECT_EQ(a.out, (FeatureShape{32, 32}));
  EXPECT_EQ(a.candidates.size(), 4u);
  EXPECT_TRUE(a.candidates[3].skip);
  const SearchSlot& b = space.slots()[2];
  EXPECT_EQ(b.out, (FeatureShape{16, 64}));
  EXPECT_EQ(b.candidates.size(), 2u);
  EXPECT_EQ(space.spec().slots(2).candidates_size(), 2);
  EXPECT_EQ(space.NumChoices(), 4 * 2);
}

TEST(SearchSpaceTest, DropsCandidatesThatScalingMakesEqual) {
  // At width 0.5 slot a has 16 channels: 16 / 4 < 8 leaves the squeeze of r4
  // out, 16 / 2 keeps that of r2; at 0.25 both are out and a repeats itself.
  ASSERT_OK_AND_ASSIGN(const SearchSpace half,
                       SearchSpace::Create(TwoSlots(), {.width = 0.5}));
  EXPECT_EQ(half.slots()[1].candidates.size(), 4u);
  ASSERT_OK_AND_ASSIGN(const SearchSpace quarter,
                       SearchSpace::Create(TwoSlots(), {.width = 0.25}));
  ASSERT_EQ(quarter.slots()[1].candidates.size(), 3u);
  EXPECT_EQ(quarter.slots()[1].candidates[0].block.frost().reduction(), 2);
  EXPECT_EQ(quarter.slots()[1].candidates[1].block.frost().kernel(), 5);
}

TEST(SearchSpaceTest, SpecGivesTheSameSpaceAgain) {
  ASSERT_OK_AND_ASSIGN(
      const SearchSpace once,
      SearchSpace::Create(TwoSlots(), {.width = 0.25, .num_classes = 7}));
  ASSERT_OK_AND_ASSIGN(const SearchSpace twice,
                       SearchSpace::Create(once.spec()));
  EXPECT_EQ(once.spec().SerializeAsString(), twice.spec().SerializeAsString());
  Random random(1);
  const v1::Choice choice = once.RandomChoice(random);
  EXPECT_EQ(once.ArchitectureOf(choice)->SerializeAsString(),
            twice.ArchitectureOf(choice)->SerializeAsString());
}

TEST(SearchSpaceTest, OverridesReplaceDefaults) {
  ASSERT_OK_AND_ASSIGN(const SearchSpace space,
                       SearchSpace::Create(TwoSlots(), {.width = 0.5,
                                                        .input_size = 96,
                                                        .input_channels = 1,
                                                        .num_classes = 100}));
  EXPECT_EQ(space.input(), (FeatureShape{96, 1}));
  EXPECT_EQ(space.num_classes(), 100);
  EXPECT_EQ(space.slots().back().out, (FeatureShape{1, 100}));
}

TEST(SearchSpaceTest, SmallInputsKeepResolution) {
  const auto stem_size = [](int input_size) {
    const auto space =
        SearchSpace::Create(TwoSlots(), {.input_size = input_size});
    EXPECT_OK(space);
    return space.ok() ? space->slots()[0].out.size : -1;
  };
  EXPECT_EQ(stem_size(32), 32);
  EXPECT_EQ(stem_size(64), 64);
  EXPECT_EQ(stem_size(65), 33);
}

TEST(SearchSpaceTest, ArchitectureHasChosenBlocksAndNoneWhereSkipped) {
  ASSERT_OK_AND_ASSIGN(const SearchSpace space,
                       SearchSpace::Create(TwoSlots()));
  ASSERT_OK_AND_ASSIGN(const v1::Architecture all,
                       space.ArchitectureOf(MakeChoice({0, 2, 1, 0})));
  ASSERT_EQ(all.blocks_size(), 4);
  EXPECT_EQ(all.blocks(1).name(), "a");
  EXPECT_EQ(all.blocks(1).frost().kernel(), 5);
  EXPECT_EQ(all.blocks(2).frost().kernel(), 5);
  ASSERT_OK_AND_ASSIGN(const v1::Architecture skipped,
                       space.ArchitectureOf(MakeChoice({0, 3, 0, 0})));
  ASSERT_EQ(skipped.blocks_size(), 3);
  EXPECT_EQ(skipped.blocks(1).name(), "b");
}

TEST(SearchSpaceTest, RefusesAChoiceOfAnotherSpace) {
  ASSERT_OK_AND_ASSIGN(const SearchSpace space,
                       SearchSpace::Create(TwoSlots()));
  EXPECT_THAT(space.ArchitectureOf(MakeChoice({0, 0, 0})),
              StatusIs(kInvalid, HasSubstr("has 3 entries")));
  EXPECT_THAT(space.ArchitectureOf(MakeChoice({0, 4, 0, 0})),
              StatusIs(kInvalid, HasSubstr("slot \"a\"")));
  EXPECT_THAT(space.ArchitectureOf(MakeChoice({0, 0, -1, 0})),
              StatusIs(kInvalid, HasSubstr("slot \"b\"")));
}

TEST(SearchSpaceTest, RandomChoicesCoverTheSpaceAndReplay) {
  ASSERT_OK_AND_ASSIGN(const SearchSpace space,
                       SearchSpace::Create(TwoSlots()));
  Random random(5);
  Random again(5);
  std::set<std::string> digests;
  for (int i = 0; i < 200; ++i) {
    const v1::Choice choice = space.RandomChoice(random);
    EXPECT_EQ(choice.SerializeAsString(),
              space.RandomChoice(again).SerializeAsString());
    ASSERT_OK_AND_ASSIGN(const v1::Architecture architecture,
                         space.ArchitectureOf(choice));
    digests.insert(*ArchitectureDigest(architecture));
  }
  EXPECT_EQ(digests.size(), space.NumChoices());
}

TEST(SearchSpaceTest, RefusesFaultsNamingSlotOrField) {
  const auto refusal = [](auto change) {
    v1::Space spec = TwoSlots();
    change(spec);
    const absl::Status status = SearchSpace::Create(spec).status();
    EXPECT_EQ(status.code(), kInvalid) << status;
    return std::string(status.message());
  };
  EXPECT_THAT(refusal([](auto& s) { s.set_name("A b"); }),
              HasSubstr("space name"));
  EXPECT_THAT(refusal([](auto& s) { s.set_width(0); }),
              HasSubstr("width is 0"));
  EXPECT_THAT(refusal([](auto& s) { s.set_width(std::nan("")); }),
              HasSubstr("width is nan"));
  EXPECT_THAT(refusal([](auto& s) { s.clear_width_rule(); }),
              HasSubstr("width_rule"));
  EXPECT_THAT(refusal([](auto& s) { s.set_input_channels(2); }),
              HasSubstr("input_channels"));
  EXPECT_THAT(refusal([](auto& s) { s.set_num_classes(1); }),
              HasSubstr("num_classes"));
  EXPECT_THAT(refusal([](auto& s) { s.clear_slots(); }),
              HasSubstr("has 0 slots"));
  EXPECT_THAT(refusal([](auto& s) { s.mutable_slots(2)->set_name("a"); }),
              HasSubstr("slot \"a\": its name is taken"));
  EXPECT_THAT(refusal([](auto& s) { s.mutable_slots(1)->clear_role(); }),
              HasSubstr("role"));
  EXPECT_THAT(refusal([](auto& s) { s.mutable_slots(1)->clear_candidates(); }),
              HasSubstr("slot \"a\": has no candidate"));
  EXPECT_THAT(refusal([](auto& s) { s.mutable_slots()->RemoveLast(); }),
              HasSubstr("slot \"b\": the last slot"));
}

TEST(SearchSpaceTest, RefusesFaultyCandidates) {
  const auto refusal = [](auto change) {
    v1::Space spec = TwoSlots();
    change(*spec.mutable_slots(1)->mutable_candidates(0));
    const absl::Status status = SearchSpace::Create(spec).status();
    EXPECT_EQ(status.code(), kInvalid) << status;
    return std::string(status.message());
  };
  EXPECT_THAT(refusal([](auto& c) { c.Clear(); }),
              HasSubstr("neither block nor skip"));
  EXPECT_THAT(refusal([](auto& c) { c.set_skip(false); }),
              HasSubstr("skip must be true"));
  EXPECT_THAT(refusal([](auto& c) { c.mutable_block()->set_name("x"); }),
              HasSubstr("the slot names it"));
  EXPECT_THAT(refusal([](auto& c) {
                c.mutable_block()->mutable_frost()->set_out_channels(1 << 30);
              }),
              HasSubstr("block \"a\": frost.out_channels"));
  EXPECT_THAT(refusal([](auto& c) {
                c.mutable_block()->mutable_frost()->set_out_channels(64);
              }),
              HasSubstr("must give the same shape"));
}

}  // namespace
}  // namespace frostnas::arch
