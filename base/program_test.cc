#include "base/program.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas {
namespace {

using ::testing::ElementsAre;

TEST(MergeRepeatedFlagsTest, JoinsValuesWhereTheFirstStood) {
  EXPECT_THAT(
      MergeRepeatedFlags({"p", "--device", "a", "--seed", "3", "--device=b,c"},
                         {"device"}),
      ElementsAre("p", "--device=a,b,c", "--seed", "3"));
}

TEST(MergeRepeatedFlagsTest, KeepsEqualsSignsInValues) {
  EXPECT_THAT(MergeRepeatedFlags({"p", "--limit", "host=2", "-limit=phone=3"},
                                 {"limit"}),
              ElementsAre("p", "--limit=host=2,phone=3"));
}

TEST(MergeRepeatedFlagsTest, LeavesWhatFollowsTheSeparator) {
  EXPECT_THAT(MergeRepeatedFlags({"p", "--", "--device", "a"}, {"device"}),
              ElementsAre("p", "--", "--device", "a"));
}

TEST(MergeRepeatedFlagsTest, LeavesAFlagWithoutValueToTheParser) {
  EXPECT_THAT(MergeRepeatedFlags({"p", "--device"}, {"device"}),
              ElementsAre("p", "--device"));
}

TEST(ExitCodeTest, TellsUsersFaultsFromOthers) {
  const ProgramInfo info{.name = "p"};
  EXPECT_EQ(ExitCode(info, absl::OkStatus()), 0);
  EXPECT_EQ(ExitCode(info, absl::InvalidArgumentError("--x: bad")), 2);
  EXPECT_EQ(ExitCode(info, absl::UnavailableError("port")), 1);
  EXPECT_EQ(ExitCode(info, absl::CancelledError("stopped")), 130);
}

}  // namespace
}  // namespace frostnas
