#include "latency/measure/sustained.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "base/status_matchers.h"
#include "base/stop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "latency/measure/fake_machine.h"

namespace frostnas::latency {
namespace {

constexpr double kMillisecond = 1e6;

class SustainedTest : public testing::Test {
 protected:
  absl::StatusOr<Sustained> Run(absl::Duration duration, double call_ns) {
    return Sustain([this, call_ns] { ++calls_, machine_.Spend(call_ns); },
                   {.duration = duration}, machine_, stop_.token());
  }

  FakeMachine machine_;
  StopSource stop_;
  int64_t calls_ = 0;
};

TEST_F(SustainedTest, SteadyWorkHasOneTime) {
  ASSERT_OK_AND_ASSIGN(const Sustained sustained,
                       Run(absl::Seconds(1), kMillisecond));
  EXPECT_EQ(sustained.course_ns, std::vector<double>(20, kMillisecond));
  EXPECT_EQ(sustained.cold_ns, kMillisecond);
  EXPECT_EQ(sustained.hot_ns, kMillisecond);
  EXPECT_EQ(calls_, 1000);
}

// Cool for 0.3 s, then slower and slower until 0.6 s, as a phone in a hand.
TEST_F(SustainedTest, TellsColdFromHot) {
  machine_.set_slowdown([](int64_t now_ns) {
    if (now_ns < 300 * kMillisecond) return 1.0;
    if (now_ns > 600 * kMillisecond) return 1.6;
    return 1.0 + 0.6 * (now_ns / kMillisecond - 300) / 300;
  });
  ASSERT_OK_AND_ASSIGN(const Sustained sustained,
                       Run(absl::Seconds(1), kMillisecond));
  EXPECT_EQ(sustained.cold_ns, kMillisecond);
  EXPECT_EQ(sustained.hot_ns, 1.6 * kMillisecond);
  EXPECT_THAT(sustained.course_ns, testing::SizeIs(20));
  EXPECT_TRUE(
      std::is_sorted(sustained.course_ns.begin(), sustained.course_ns.end()));
  EXPECT_GT(sustained.course_ns[9], 1.1 * kMillisecond);
}

TEST_F(SustainedTest, ACallMayBeLongerThanAPart) {
  ASSERT_OK_AND_ASSIGN(const Sustained sustained,
                       Run(absl::Milliseconds(20), 7 * kMillisecond));
  EXPECT_EQ(sustained.course_ns, std::vector<double>(20, 7 * kMillisecond));
  EXPECT_EQ(calls_, 3);
}

TEST_F(SustainedTest, StopsWhenAsked) {
  const Work work = [this] {
    machine_.Spend(kMillisecond);
    if (++calls_ == 15) stop_.RequestStop();
  };
  EXPECT_THAT(
      Sustain(work, {.duration = absl::Seconds(1)}, machine_, stop_.token()),
      StatusIs(absl::StatusCode::kCancelled));
  EXPECT_LT(calls_, 20);
}

}  // namespace
}  // namespace frostnas::latency
