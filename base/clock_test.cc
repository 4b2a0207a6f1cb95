#include "base/clock.h"

#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/fake_clock.h"
#include "base/stop.h"
#include "gtest/gtest.h"

namespace frostnas {
namespace {

TEST(RealClockTest, TimeMovesForward) {
  Clock& clock = RealClock();
  const absl::Duration before = clock.Monotonic();
  EXPECT_TRUE(clock.WaitFor(absl::Milliseconds(1), StopToken()));
  EXPECT_GE(clock.Monotonic() - before, absl::Milliseconds(1));
  EXPECT_LT(absl::AbsDuration(clock.Now() - absl::Now()), absl::Minutes(1));
}

TEST(RealClockTest, AStopCutsAWaitShort) {
  StopSource source;
  std::thread other([&source] { source.RequestStop(); });
  EXPECT_FALSE(RealClock().WaitFor(absl::Hours(1), source.token()));
  other.join();
}

TEST(FakeClockTest, TimeMovesOnlyWhenTold) {
  FakeClock clock;
  const absl::Time start = clock.Now();
  clock.Advance(absl::Seconds(5));
  EXPECT_EQ(clock.Now() - start, absl::Seconds(5));
  EXPECT_EQ(clock.Monotonic(), absl::Seconds(5));
  clock.SetNow(start - absl::Hours(1));
  EXPECT_EQ(clock.Now(), start - absl::Hours(1));
  EXPECT_EQ(clock.Monotonic(), absl::Seconds(5));
}

TEST(FakeClockTest, AWaiterWakesAtItsDeadline) {
  FakeClock clock;
  bool reached = false;
  std::thread waiter(
      [&] { reached = clock.WaitFor(absl::Minutes(3), StopToken()); });
  clock.AwaitWaiters(1);
  clock.Advance(absl::Minutes(3));
  waiter.join();
  EXPECT_TRUE(reached);
}

TEST(FakeClockTest, AStopCutsAWaitShort) {
  FakeClock clock;
  StopSource source;
  bool reached = true;
  std::thread waiter(
      [&] { reached = clock.WaitFor(absl::Minutes(3), source.token()); });
  clock.AwaitWaiters(1);
  source.RequestStop();
  waiter.join();
  EXPECT_FALSE(reached);
}

TEST(FakeClockTest, AnAdvancingClockDoesNotBlock) {
  FakeClock clock(FakeClock::Waits::kAdvance);
  EXPECT_TRUE(clock.WaitFor(absl::Hours(2), StopToken()));
  EXPECT_EQ(clock.Monotonic(), absl::Hours(2));
}

}  // namespace
}  // namespace frostnas
