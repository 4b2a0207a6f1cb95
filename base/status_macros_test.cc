#include "base/status_macros.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace frostnas {
namespace {

absl::Status Check(bool ok) {
  return ok ? absl::OkStatus() : absl::NotFoundError("no such thing");
}

absl::StatusOr<std::unique_ptr<int>> Make(bool ok) {
  RETURN_IF_ERROR(Check(ok));
  return std::make_unique<int>(7);
}

absl::StatusOr<int> Twice(bool first_ok, bool second_ok) {
  ASSIGN_OR_RETURN(const std::unique_ptr<int> first, Make(first_ok));
  std::unique_ptr<int> second;
  ASSIGN_OR_RETURN(second, Make(second_ok));
  return *first + *second;
}

TEST(StatusMacrosTest, ValuesPassThrough) {
  const absl::StatusOr<int> sum = Twice(true, true);
  ASSERT_TRUE(sum.ok());
  EXPECT_EQ(*sum, 14);
}

TEST(StatusMacrosTest, TheFirstErrorReturnsUnchanged) {
  EXPECT_EQ(Twice(false, true).status(), Check(false));
  EXPECT_EQ(Twice(true, false).status(), Check(false));
}

}  // namespace
}  // namespace frostnas
