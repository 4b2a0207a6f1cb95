#include "base/stop.h"

#include <signal.h>
#include <unistd.h>

#include <optional>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/status_matchers.h"
#include "gtest/gtest.h"

namespace frostnas {
namespace {

TEST(StopTest, ADefaultTokenNeverStops) {
  const StopToken token;
  EXPECT_FALSE(token.StopRequested());
  EXPECT_FALSE(token.WaitFor(absl::ZeroDuration()));
  EXPECT_OK(token.Check());
}

TEST(StopTest, ARequestReachesEveryToken) {
  StopSource source;
  const StopToken token = source.token();
  EXPECT_FALSE(token.StopRequested());
  source.RequestStop();
  EXPECT_TRUE(token.StopRequested());
  EXPECT_TRUE(source.token().StopRequested());
  EXPECT_THAT(token.Check(), StatusIs(absl::StatusCode::kCancelled));
}

TEST(StopTest, AWaitEndsAtTheRequest) {
  StopSource source;
  const StopToken token = source.token();
  std::thread other([&source] { source.RequestStop(); });
  EXPECT_TRUE(token.WaitFor(absl::InfiniteDuration()));
  other.join();
}

TEST(StopTest, AChildStopsWithItsParentAndNotTheOtherWay) {
  StopSource parent;
  StopSource child(parent.token());
  StopSource other(parent.token());
  child.RequestStop();
  EXPECT_TRUE(child.token().StopRequested());
  EXPECT_FALSE(parent.token().StopRequested());
  parent.RequestStop();
  EXPECT_TRUE(other.token().StopRequested());
}

TEST(StopTest, ATokenOutlivesItsSource) {
  std::optional<StopSource> source(std::in_place);
  const StopToken token = source->token();
  source.reset();
  EXPECT_FALSE(token.WaitFor(absl::ZeroDuration()));
}

TEST(StopTest, CallbacksRunOnceOrAtOnce) {
  StopSource source;
  int calls = 0;
  {
    const StopCallback gone(source.token(), [&calls] { calls += 100; });
  }
  const StopCallback before(source.token(), [&calls] { ++calls; });
  source.RequestStop();
  source.RequestStop();
  EXPECT_EQ(calls, 1);
  const StopCallback after(source.token(), [&calls] { ++calls; });
  EXPECT_EQ(calls, 2);
}

TEST(StopDeathTest, AHangupStopsUnlessItWasIgnored) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const auto stops = [](void (*before)(int)) {
    signal(SIGHUP, before);
    const StopToken token = StopOnSignals();
    raise(SIGHUP);
    // An ignored one never comes; the other has asked before this ends.
    raise(SIGTERM);
    _exit(token.WaitFor(absl::Seconds(30)) ? 0 : 1);
  };
  EXPECT_EXIT(stops(SIG_IGN), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(stops(SIG_DFL), ::testing::ExitedWithCode(128 + SIGTERM), "");
}

TEST(StopDeathTest, ASignalStopsAndASecondOneEndsTheProcess) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        const StopToken token = StopOnSignals();
        raise(SIGTERM);
        if (!token.WaitFor(absl::Seconds(30))) _exit(1);
        raise(SIGINT);
        _exit(2);
      },
      ::testing::ExitedWithCode(128 + SIGINT), "");
}

}  // namespace
}  // namespace frostnas
