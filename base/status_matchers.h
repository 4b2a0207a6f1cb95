// GoogleTest matchers and macros for absl::Status and absl::StatusOr.
//
//   EXPECT_OK(store->Put(trial));
//   ASSERT_OK_AND_ASSIGN(const Trial trial, store->Get(id));
//   EXPECT_THAT(Parse("{"), StatusIs(absl::StatusCode::kInvalidArgument));
//   EXPECT_THAT(Parse("{"), StatusIs(absl::StatusCode::kInvalidArgument,
//                                    HasSubstr("line 1")));
//   EXPECT_THAT(Count(), IsOkAndHolds(Gt(3)));

#ifndef FROSTNAS_BASE_STATUS_MATCHERS_H_
#define FROSTNAS_BASE_STATUS_MATCHERS_H_

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas {
namespace internal {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}

template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

}  // namespace internal

// Matches an ok Status or StatusOr.
MATCHER(IsOk, negation ? "is not ok" : "is ok") {
  const absl::Status& status = internal::StatusOf(arg);
  *result_listener << "which is " << status.ToString();
  return status.ok();
}

// Matches a Status or StatusOr with this code, whatever the message.
MATCHER_P(StatusIs, code,
          (negation ? "has another code than " : "has the code ") +
              absl::StatusCodeToString(code)) {
  const absl::Status& status = internal::StatusOf(arg);
  *result_listener << "which is " << status.ToString();
  return status.code() == code;
}

// Matches a Status or StatusOr with this code and a message that `message`
// (a string or a matcher) matches.
MATCHER_P2(StatusIs, code, message,
           (negation ? "has another code or message than " : "has the code ") +
               absl::StatusCodeToString(code) + " and a message that " +
               ::testing::DescribeMatcher<std::string>(message, negation)) {
  const absl::Status& status = internal::StatusOf(arg);
  *result_listener << "which is " << status.ToString();
  return status.code() == code &&
         ::testing::Matches(message)(std::string(status.message()));
}

// Matches a StatusOr that is ok and whose value `value` (a value or a matcher)
// matches.
MATCHER_P(IsOkAndHolds, value,
          negation ? "is not ok or holds another value"
                   : "is ok and holds the value") {
  if (!arg.ok()) {
    *result_listener << "which is " << arg.status().ToString();
    return false;
  }
  using Held = typename std::decay_t<decltype(arg)>::value_type;
  return ::testing::ExplainMatchResult(
      ::testing::SafeMatcherCast<const Held&>(value), *arg, result_listener);
}

}  // namespace frostnas

#define EXPECT_OK(expr) EXPECT_THAT((expr), ::frostnas::IsOk())
#define ASSERT_OK(expr) ASSERT_THAT((expr), ::frostnas::IsOk())

// Fails the test function when `expr` is an error, else assigns its value.
#define ASSERT_OK_AND_ASSIGN(lhs, expr) \
  FROSTNAS_ASSERT_OK_AND_ASSIGN(        \
      FROSTNAS_MATCHERS_CONCAT(frostnas_result_, __LINE__), lhs, expr)
#define FROSTNAS_ASSERT_OK_AND_ASSIGN(result, lhs, expr) \
  auto result = (expr);                                  \
  ASSERT_THAT(result, ::frostnas::IsOk());               \
  lhs = *std::move(result)
#define FROSTNAS_MATCHERS_CONCAT(a, b) FROSTNAS_MATCHERS_CONCAT_INNER(a, b)
#define FROSTNAS_MATCHERS_CONCAT_INNER(a, b) a##b

#endif  // FROSTNAS_BASE_STATUS_MATCHERS_H_
