#include "tests/phone/fault.h"

#include <set>

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::phone {
namespace {

using ::testing::HasSubstr;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

TEST(FaultTest, NamesAreDistinct) {
  std::set<std::string> names;
  for (const FaultKind kind : AllFaultKinds()) {
    names.emplace(FaultName(kind));
  }
  EXPECT_EQ(names.size(), AllFaultKinds().size());
}

TEST(FaultTest, ScriptIsRead) {
  ASSERT_OK_AND_ASSIGN(const FaultPlan plan, ParseFaultScript(R"({"faults": [
    {"kind": "hot", "duration_ms": 1500, "milli_degrees": 48000},
    {"kind": "disconnect_push", "after_bytes": 100, "times": 2,
     "expires_ms": 9000},
    {"kind": "governor", "governor": "performance", "at_next_program": true,
     "delay_ms": 0.5, "command": "runner"}]})"));
  ASSERT_EQ(plan.size(), 3u);
  EXPECT_EQ(plan[0].kind, FaultKind::kHot);
  EXPECT_EQ(plan[0].duration, absl::Milliseconds(1500));
  EXPECT_EQ(plan[1].after_bytes, 100);
  EXPECT_EQ(plan[1].times, 2);
  EXPECT_EQ(plan[1].expires, absl::Seconds(9));
  EXPECT_EQ(plan[2].governor, "performance");
  EXPECT_TRUE(plan[2].at_next_program);
  EXPECT_EQ(plan[2].delay, absl::Microseconds(500));
  EXPECT_EQ(plan[2].command, "runner");
}

TEST(FaultTest, ScriptErrorsNameThePlace) {
  EXPECT_THAT(ParseFaultScript("{"), StatusIs(kInvalid));
  EXPECT_THAT(ParseFaultScript("[]"), StatusIs(kInvalid));
  EXPECT_THAT(ParseFaultScript(R"({"faults": [1]})"),
              StatusIs(kInvalid, HasSubstr("faults[0].kind")));
  EXPECT_THAT(
      ParseFaultScript(R"({"faults": [{"kind": "hot"}, {"kind": "cold"}]})"),
      StatusIs(kInvalid, HasSubstr("faults[1].kind")));
  EXPECT_THAT(ParseFaultScript(R"({"faults": [{"kind": "hot", "tiems": 1}]})"),
              StatusIs(kInvalid, HasSubstr("faults[0].tiems: no such member")));
  EXPECT_THAT(
      ParseFaultScript(R"({"faults": [{"kind": "hot", "times": "x"}]})"),
      StatusIs(kInvalid, HasSubstr("faults[0].times")));
}

TEST(FaultTest, RandomFaultsRepeatAndAreBounded) {
  const RandomFaultOptions options = {.count = 5};
  std::set<FaultKind> kinds;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const FaultPlan plan = RandomFaults(seed, options);
    const FaultPlan again = RandomFaults(seed, options);
    ASSERT_EQ(plan.size(), 5u);
    for (size_t i = 0; i < plan.size(); ++i) {
      kinds.insert(plan[i].kind);
      EXPECT_EQ(plan[i].kind, again[i].kind);
      EXPECT_EQ(plan[i].delay, again[i].delay);
      EXPECT_LE(plan[i].delay, options.within);
      EXPECT_LE(plan[i].duration, options.longest);
      EXPECT_LE(plan[i].expires, options.longest);
      EXPECT_GE(plan[i].times, 1);
    }
  }
  EXPECT_EQ(kinds.size(), AllFaultKinds().size());
}

TEST(FaultTest, RandomFaultsKeepToTheKindsGiven) {
  const FaultPlan plan =
      RandomFaults(3, {.count = 50, .kinds = {FaultKind::kHot}});
  for (const Fault& fault : plan) EXPECT_EQ(fault.kind, FaultKind::kHot);
}

}  // namespace
}  // namespace frostnas::phone
