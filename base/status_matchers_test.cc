#include "base/status_matchers.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"

namespace frostnas {
namespace {

using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StringMatchResultListener;

absl::StatusOr<int> Seven() { return 7; }
absl::StatusOr<int> Missing() { return absl::NotFoundError("no seven"); }

TEST(StatusMatchersTest, OkAndErrorsAreToldApart) {
  EXPECT_OK(absl::OkStatus());
  ASSERT_OK(Seven());
  EXPECT_THAT(Missing(), Not(IsOk()));
}

TEST(StatusMatchersTest, CodeAndMessageAreMatched) {
  const auto kNotFound = absl::StatusCode::kNotFound;
  EXPECT_THAT(Missing(), StatusIs(kNotFound));
  EXPECT_THAT(Missing(), StatusIs(kNotFound, "no seven"));
  EXPECT_THAT(Missing(), StatusIs(kNotFound, HasSubstr("seven")));
  EXPECT_THAT(Missing(), Not(StatusIs(kNotFound, "no eight")));
  EXPECT_THAT(absl::OkStatus(), Not(StatusIs(kNotFound)));
}

TEST(StatusMatchersTest, ValuesAreMatched) {
  EXPECT_THAT(Seven(), IsOkAndHolds(7));
  EXPECT_THAT(Seven(), IsOkAndHolds(Gt(6)));
  EXPECT_THAT(Seven(), Not(IsOkAndHolds(8)));
  EXPECT_THAT(Missing(), Not(IsOkAndHolds(7)));
}

TEST(StatusMatchersTest, AssignMovesTheValueOut) {
  absl::StatusOr<std::unique_ptr<int>> result = std::make_unique<int>(3);
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<int> value, std::move(result));
  EXPECT_EQ(*value, 3);
}

TEST(StatusMatchersTest, MismatchesShowTheStatus) {
  StringMatchResultListener listener;
  EXPECT_FALSE(
      ::testing::ExplainMatchResult(IsOkAndHolds(7), Missing(), &listener));
  EXPECT_THAT(listener.str(), HasSubstr("NOT_FOUND: no seven"));
  EXPECT_NONFATAL_FAILURE(EXPECT_OK(Missing()), "NOT_FOUND: no seven");
}

}  // namespace
}  // namespace frostnas
