#include "latency/phone/core_choice.h"

#include <vector>

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::latency {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// One prime core, three big, four little ones.
constexpr int64_t kPhone[] = {1800000, 1800000, 1800000, 1800000,
                              2400000, 2400000, 2400000, 3000000};
constexpr int64_t kTwoClusters[] = {1700000, 1700000, 2200000, 2200000};

std::vector<int> Cores(absl::string_view wish,
                       absl::Span<const int64_t> khz = kPhone) {
  const auto cores = ChooseCores(wish, khz);
  EXPECT_TRUE(cores.ok()) << cores.status();
  return cores.value_or(std::vector<int>{-1});
}

TEST(CoreChoiceTest, NamesClustersByTheirFrequency) {
  EXPECT_THAT(Cores("big"), ElementsAre(7));
  EXPECT_THAT(Cores("middle"), ElementsAre(4, 5, 6));
  EXPECT_THAT(Cores("little"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Cores("all"), IsEmpty());
}

TEST(CoreChoiceTest, TheMiddleOfTwoClustersIsTheFastOne) {
  EXPECT_THAT(Cores("big", kTwoClusters), ElementsAre(2, 3));
  EXPECT_THAT(Cores("middle", kTwoClusters), ElementsAre(2, 3));
  EXPECT_THAT(Cores("little", kTwoClusters), ElementsAre(0, 1));
}

TEST(CoreChoiceTest, TakesLists) {
  EXPECT_THAT(Cores("4,6-7"), ElementsAre(4, 6, 7));
  EXPECT_THAT(Cores("7,0"), ElementsAre(0, 7));
}

TEST(CoreChoiceTest, LeavesItToTheSystemWhereNothingIsKnown) {
  EXPECT_THAT(Cores("big", {0, 0, 0}), IsEmpty());
}

TEST(CoreChoiceTest, IgnoresCoresOfUnknownFrequency) {
  EXPECT_THAT(Cores("little", {0, 1500000, 2000000}), ElementsAre(1));
}

TEST(CoreChoiceTest, RefusesWhatIsNotThere) {
  for (const char* wish : {"", "huge", "1-", "-1", "3-1", "1,,2", "0x1"}) {
    const auto cores = ChooseCores(wish, kPhone);
    EXPECT_EQ(cores.status().code(), absl::StatusCode::kInvalidArgument)
        << wish;
    EXPECT_THAT(cores.status().message(), HasSubstr("--cores"));
  }
  EXPECT_THAT(ChooseCores("8", kPhone).status().message(),
              HasSubstr("core 8: the device has 8, from 0"));
}

TEST(CoreChoiceTest, ReadsTheKernelsLists) {
  EXPECT_THAT(*ParseCoreList("0-3,7\n"), ElementsAre(0, 1, 2, 3, 7));
  EXPECT_FALSE(ParseCoreList("0-100000").ok());
}

}  // namespace
}  // namespace frostnas::latency
