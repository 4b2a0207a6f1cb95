#include "base/log.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

TEST(LogTest, ALineNamesLevelTimePlaceAndMessage) {
  const ScopedLogCapture capture;
  LOG(WARNING) << "lease " << 7 << " expired";
  EXPECT_THAT(capture.lines(),
              ElementsAre(MatchesRegex("W [0-9:.]+ log_test.cc:[0-9]+. lease 7 "
                                       "expired")));
}

TEST(LogTest, MessagesBelowTheMinimumAreNotFormatted) {
  const ScopedLogCapture capture;
  int formatted = 0;
  SetMinLogLevel(LogLevel::kError);
  LOG(WARNING) << ++formatted;
  SetMinLogLevel(LogLevel::kInfo);
  LOG(DEBUG) << ++formatted;
  EXPECT_EQ(formatted, 0);
  EXPECT_THAT(capture.lines(), IsEmpty());
}

TEST(LogTest, AStatusLineIsClearedFirst) {
  ::testing::internal::CaptureStderr();
  {
    const ScopedStatusLine bar;
    LOG(INFO) << "with bar";
  }
  LOG(INFO) << "without";
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              MatchesRegex("\r\x1b.KI [^\n]*with bar\nI [^\n]*without\n"));
}

}  // namespace
}  // namespace frostnas
