#include "arch/width.h"

#include <gtest/gtest.h>

#include "base/status_matchers.h"

namespace frostnas::arch {
namespace {

// Output channels of a convolution of `channels` at `width`.
int Scaled(v1::WidthRule rule, v1::SlotRole role, int channels, double width) {
  v1::Space space;
  space.set_width_rule(rule);
  space.set_width(width);
  v1::Block block;
  block.mutable_conv()->set_out_channels(channels);
  const absl::StatusOr<v1::Block> scaled = ScaleBlock(block, space, role);
  EXPECT_OK(scaled);
  return scaled.ok() ? scaled->conv().out_channels() : -1;
}

TEST(ScaleBlockTest, FrostTruncatesThenRounds) {
  const auto frost = [](v1::SlotRole role, int channels, double width) {
    return Scaled(v1::WIDTH_RULE_FROST, role, channels, width);
  };
  EXPECT_EQ(frost(v1::SLOT_ROLE_BODY, 16, 0.35), 8);   // int 5
  EXPECT_EQ(frost(v1::SLOT_ROLE_BODY, 96, 0.35), 32);  // int 33
  EXPECT_EQ(frost(v1::SLOT_ROLE_BODY, 24, 1.25), 32);  // 30
  EXPECT_EQ(frost(v1::SLOT_ROLE_STEM, 32, 0.35), 16);  // int 11: 8 is too few
  EXPECT_EQ(frost(v1::SLOT_ROLE_STEM, 32, 1.25), 32);  // never wider
  EXPECT_EQ(frost(v1::SLOT_ROLE_HEAD, 1280, 0.35), 1280);
}

TEST(ScaleBlockTest, MobileNetV2WidensTheHeadOnly) {
  const auto v2 = [](v1::SlotRole role, int channels, double width) {
    return Scaled(v1::WIDTH_RULE_MOBILENET_V2, role, channels, width);
  };
  EXPECT_EQ(v2(v1::SLOT_ROLE_BODY, 24, 0.5), 16);  // 12 is half way: up
  EXPECT_EQ(v2(v1::SLOT_ROLE_STEM, 32, 1.4), 48);  // 44.8
  EXPECT_EQ(v2(v1::SLOT_ROLE_HEAD, 1280, 0.5), 1280);
  EXPECT_EQ(v2(v1::SLOT_ROLE_HEAD, 1280, 1.4), 1792);
}

TEST(ScaleBlockTest, MobileNetV1Truncates) {
  EXPECT_EQ(Scaled(v1::WIDTH_RULE_MOBILENET_V1, v1::SLOT_ROLE_BODY, 33, 0.5),
            16);
}

TEST(ScaleBlockTest, LeavesBlocksWithoutChannelsAlone) {
  v1::Space space;
  space.set_width_rule(v1::WIDTH_RULE_FROST);
  space.set_width(0.5);
  v1::Block block;
  block.mutable_pool()->set_kernel(2);
  ASSERT_OK_AND_ASSIGN(const v1::Block scaled,
                       ScaleBlock(block, space, v1::SLOT_ROLE_BODY));
  EXPECT_EQ(scaled.pool().kernel(), 2);
}

TEST(ScaleBlockTest, RefusesMissingRuleOrRole) {
  v1::Block block;
  block.mutable_conv()->set_out_channels(8);
  v1::Space space;
  space.set_width(1);
  EXPECT_THAT(ScaleBlock(block, space, v1::SLOT_ROLE_BODY),
              StatusIs(absl::StatusCode::kInvalidArgument));
  space.set_width_rule(v1::WIDTH_RULE_FROST);
  EXPECT_THAT(ScaleBlock(block, space, v1::SLOT_ROLE_UNSPECIFIED),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace frostnas::arch
