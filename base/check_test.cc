#include "base/check.h"

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace frostnas {
namespace {

TEST(CheckTest, AConditionThatHoldsCostsNoMessage) {
  int built = 0;
  const auto message = [&built] { return ++built; };
  CHECK(true) << message();
  CHECK_EQ(1, 1) << message();
  CHECK_OK(absl::OkStatus()) << message();
  EXPECT_EQ(built, 0);
}

TEST(CheckTest, OperandsAreEvaluatedOnce) {
  int calls = 0;
  CHECK_LT(calls++, 5);
  EXPECT_EQ(calls, 1);
}

TEST(CheckTest, IntegersOfOtherSignsCompareByValue) {
  CHECK_LT(int32_t{-1}, uint32_t{1});
  CHECK_NE(int64_t{-1}, ~uint64_t{0});
}

TEST(CheckTest, ElseBelongsToTheOuterIf) {
  bool reached = false;
  if (reached)
    CHECK_EQ(1, 1);
  else
    reached = true;
  EXPECT_TRUE(reached);
}

TEST(CheckDeathTest, FailuresNameThePlaceTheConditionAndTheMessage) {
  EXPECT_DEATH(CHECK(1 > 2) << "so " << 3,
               "check_test.cc:[0-9]+: check failed: 1 > 2 so 3");
  EXPECT_DEATH(CHECK_GE(1, 2) << "sorry", "1 >= 2 \\(1 vs 2\\) sorry");
}

TEST(CheckDeathTest, AStatusIsPrinted) {
  EXPECT_DEATH(CHECK_OK(absl::NotFoundError("gone")), "NOT_FOUND: gone");
  EXPECT_DEATH(CHECK_OK(absl::StatusOr<int>(absl::AbortedError("later"))),
               "ABORTED: later");
}

}  // namespace
}  // namespace frostnas
