#include "latency/measure/measure.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/status_matchers.h"
#include "base/stop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "latency/measure/fake_machine.h"

namespace frostnas::latency {
namespace {

constexpr double kMicrosecond = 1e3;
constexpr double kMillisecond = 1e6;

class MeasureTest : public testing::Test {
 protected:
  MeasureTest() {
    options_.samples_per_round = 5;
    options_.rounds = 7;
    options_.max_rounds = 20;
  }

  absl::StatusOr<MeasureResult> Run(const std::vector<Work>& works) {
    std::vector<WorkCopies> single;
    for (const Work& work : works) single.push_back({work});
    return Measure(single, reference_, options_, machine_, stop_.token());
  }

  // Work that costs `us` microseconds on the quiet machine.
  Work Costs(double us) {
    return [this, us] { machine_.Spend(us * kMicrosecond); };
  }

  FakeMachine machine_;
  MeasureOptions options_;
  StopSource stop_;
  Reference reference_ = {{Costs(50)}, 50 * kMicrosecond};
};

TEST_F(MeasureTest, GivesTheTimeOfSteadyWork) {
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({Costs(300)}));
  const WorkTiming& work = result.works.at(0);
  EXPECT_FALSE(result.noisy);
  EXPECT_EQ(result.rejected_rounds, 0);
  EXPECT_EQ(result.drift, 0);
  EXPECT_EQ(work.median_ns, 300e3);
  EXPECT_EQ(work.p90_ns, 300e3);
  EXPECT_EQ(work.ci_low_ns, 300e3);
  EXPECT_EQ(work.ci_high_ns, 300e3);
  EXPECT_EQ(work.samples_ns, std::vector<int64_t>(7 * 5, 300000));
  EXPECT_EQ(result.slowdown, 1);
  EXPECT_EQ(result.slope, 0);
}

TEST_F(MeasureTest, RepeatsShortWorkToFillASample) {
  int64_t calls = 0;
  const Work tiny = [&] {
    ++calls;
    machine_.Spend(300);
  };
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({tiny}));
  EXPECT_EQ(result.works[0].median_ns, 300);
  EXPECT_EQ(result.works[0].samples_ns.size(), 7u * 5u);
  // 334 calls of 300 ns are the first to reach 100 us.
  EXPECT_GE(calls, 334 * 7 * 5);
}

// One after the other, each in turn with the reference: two samples, and a call
// for nothing, behind each of its runs.
TEST_F(MeasureTest, VisitsWorksOneAfterTheOther) {
  options_.rounds = options_.max_rounds = 1;
  options_.samples_per_round = 3;
  options_.warm_up = absl::ZeroDuration();
  std::string visits;
  const Work a = [&] { visits += 'a', machine_.Spend(200 * kMicrosecond); };
  const Work b = [&] { visits += 'b', machine_.Spend(400 * kMicrosecond); };
  reference_.copies[0] = [&] {
    visits += 'r', machine_.Spend(50 * kMicrosecond);
  };
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({a, b}));
  EXPECT_THAT(visits, testing::EndsWith("aaarrrrraaarrrrraa"
                                        "bbbrrrrrbbbrrrrrbb"));
  EXPECT_EQ(result.works[0].median_ns, 200e3);
  EXPECT_EQ(result.works[1].median_ns, 400e3);
}

TEST_F(MeasureTest, WarmUpLastsUntilTheWorkSettles) {
  // Caches and frequency: the first 30 ms run slower, ever less so.
  machine_.set_slowdown([](int64_t now_ns) {
    return 1 + 2 * std::max(0.0, 1 - now_ns / (30 * kMillisecond));
  });
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({Costs(9000)}));
  EXPECT_EQ(result.works[0].median_ns, 9e6);
  EXPECT_EQ(result.rejected_rounds, 0);
}

TEST_F(MeasureTest, VoidsPreemptedSamples) {
  int calls = 0;
  const Work work = [&] {
    machine_.Spend(300 * kMicrosecond);
    if (++calls % 4 == 0) machine_.Preempt(absl::Microseconds(60));
  };
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({work}));
  EXPECT_FALSE(result.noisy);
  EXPECT_EQ(result.works[0].p90_ns, 300e3);
  EXPECT_LT(result.works[0].samples_ns.size(), 7u * 5u);
}

// A neighbour that has the core now and then leaves whole samples, and yet is
// not to be measured beside.
TEST_F(MeasureTest, MeasuresAgainWhatSharedItsCore) {
  int calls = 0;
  const Work work = [&] {
    machine_.Spend(300 * kMicrosecond);
    if (++calls > 10 && calls < 30 && calls % 4 == 0) {
      machine_.Preempt(absl::Milliseconds(4));
    }
  };
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({work}));
  EXPECT_FALSE(result.noisy);
  EXPECT_GT(result.rejected_rounds, 0);
  EXPECT_EQ(result.works[0].median_ns, 300e3);
}

// Work that leaves the reference's memory cold is not to seem faster by it.
TEST_F(MeasureTest, TheReferenceRunsWarm) {
  bool cold = false;
  reference_.copies[0] = [&] {
    machine_.Spend((cold ? 1.5 : 1) * reference_.full_speed_ns);
    cold = false;
  };
  const Work large = [&] { machine_.Spend(300 * kMicrosecond), cold = true; };
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({large}));
  EXPECT_FALSE(result.noisy);
  EXPECT_EQ(result.works[0].median_ns, 300e3);
}

TEST_F(MeasureTest, StatesTheTimeAtTheReferencesFullSpeed) {
  // A neighbour comes and goes: 0 to 20 % slower.
  machine_.set_slowdown([](int64_t now_ns) {
    return 1.1 + 0.1 * std::sin(now_ns / (3 * kMillisecond));
  });
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({Costs(300)}));
  EXPECT_FALSE(result.noisy);
  EXPECT_EQ(result.rejected_rounds, 0);
  EXPECT_NEAR(result.works[0].median_ns, 300e3, 0.01 * 300e3);
  EXPECT_GT(result.slowdown, 1.02);
  EXPECT_GT(result.drift, 0.05);
}

// Ten percent a tenth of a second, though no single round is over the bound.
TEST_F(MeasureTest, TellsThrottlingByItsSlope) {
  machine_.set_slowdown(
      [](int64_t now_ns) { return 1 + now_ns / (1000 * kMillisecond); });
  options_.warm_up = absl::ZeroDuration();
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({Costs(1500)}));
  EXPECT_FALSE(result.noisy);
  EXPECT_EQ(result.rejected_rounds, 0);
  // Seven rounds of 17 ms; between the middles of three first and last ones
  // are four of them.
  EXPECT_NEAR(result.slope, 0.07, 0.01);
  EXPECT_GT(result.drift, result.slope);
}

TEST_F(MeasureTest, TheSlopeIsOfAllRounds) {
  // Too slow for the second half of the measurement: those rounds are not
  // behind the result, but they tell.
  machine_.set_slowdown(
      [](int64_t now_ns) { return now_ns < 95 * kMillisecond ? 1 : 1.5; });
  options_.warm_up = absl::ZeroDuration();
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({Costs(1500)}));
  EXPECT_TRUE(result.noisy);
  EXPECT_EQ(result.slope, 0.5);
}

TEST_F(MeasureTest, MeasuresAgainWhereTheReferenceWasTooSlow) {
  // From the 20th to the 40th millisecond, as by another guest's load.
  machine_.set_slowdown([](int64_t now_ns) {
    return now_ns > 20 * kMillisecond && now_ns < 40 * kMillisecond ? 1.5 : 1;
  });
  options_.warm_up = absl::Milliseconds(1);
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({Costs(1000)}));
  EXPECT_FALSE(result.noisy);
  EXPECT_GT(result.rejected_rounds, 0);
  EXPECT_EQ(machine_.pauses(), result.rejected_rounds);
  EXPECT_EQ(result.works[0].median_ns, 1e6);
  EXPECT_LE(result.drift, options_.max_drift);
}

TEST_F(MeasureTest, IsNoisyOnAMachineThatStaysSlow) {
  machine_.set_slowdown([](int64_t) { return 1.5; });
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({Costs(300)}));
  EXPECT_TRUE(result.noisy);
  EXPECT_EQ(result.slowdown, 1.5);
  EXPECT_EQ(result.works[0].median_ns, 300e3);
  EXPECT_EQ(result.works[0].samples_ns.size(), 7u * 5u);
  EXPECT_EQ(result.rejected_rounds, options_.max_rounds - options_.rounds);
}

TEST_F(MeasureTest, NoisyResultsRestOnTheLeastDisturbedRounds) {
  // Ever less load, but never little. The reference feels it twice as much.
  const auto load = [this] { return std::exp(-machine_.NowNs() / 3e8); };
  reference_.copies[0] = [&] {
    machine_.Spend(50 * kMicrosecond * (1.4 + 2 * load()));
  };
  const Work work = [&] {
    machine_.Spend(300 * kMicrosecond * (1.4 + load()));
  };
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({work}));
  EXPECT_TRUE(result.noisy);
  EXPECT_LT(result.slowdown, 1.4 + 2 * std::exp(-0.4));
}

TEST_F(MeasureTest, StolenTimeDisturbsARound) {
  int calls = 0;
  const Work work = [&] {
    machine_.Spend(kMillisecond);
    if (++calls == 20) machine_.Steal(absl::Milliseconds(10));
  };
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({work}));
  EXPECT_FALSE(result.noisy);
  EXPECT_EQ(result.rejected_rounds, 1);
}

TEST_F(MeasureTest, AddsRoundsUntilTheyAgree) {
  // The work's first 20 calls after warm-up vary though the reference is
  // steady, as when its memory lies badly.
  int calls = 0;
  const Work work = [&] {
    ++calls;
    machine_.Spend(kMillisecond * (calls > 12 && calls < 33 ? 1.2 : 1));
  };
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({work}));
  EXPECT_FALSE(result.noisy);
  EXPECT_GT(result.works[0].samples_ns.size(), 7u * 5u);
  EXPECT_EQ(result.works[0].median_ns, 1e6);
}

TEST_F(MeasureTest, IsNoisyWhereRoundsNeverAgree) {
  int calls = 0;
  const Work work = [&] {
    machine_.Spend(kMillisecond * (++calls / 10 % 2 == 0 ? 1 : 1.5));
  };
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({work}));
  EXPECT_TRUE(result.noisy);
  EXPECT_GE(result.works[0].median_ns, 1e6);
  EXPECT_LE(result.works[0].median_ns, 1.5e6);
  EXPECT_GT(result.works[0].ci_high_ns - result.works[0].ci_low_ns,
            2 * options_.max_spread * result.works[0].median_ns);
}

TEST_F(MeasureTest, EndsInTimeWithWhatItHas) {
  options_.max_time = absl::Milliseconds(100);
  int calls = 0;
  // No two rounds agree.
  const Work work = [&] { machine_.Spend(++calls * 10 * kMicrosecond); };
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({work}));
  EXPECT_TRUE(result.noisy);
  EXPECT_EQ(result.rejected_rounds, 0);
  EXPECT_GE(result.works[0].samples_ns.size(), 7u * 3u);
  EXPECT_LT(result.works[0].samples_ns.size(), 20u * 3u);
}

TEST_F(MeasureTest, SlowWorkGetsFewerSamplesRatherThanFewerRounds) {
  options_.max_time = absl::Milliseconds(100);
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({Costs(10000)}));
  EXPECT_FALSE(result.noisy);
  EXPECT_EQ(result.works[0].samples_ns.size(), 7u * 3u);
  EXPECT_EQ(result.works[0].median_ns, 10e6);
}

// Memory that only another copy's calls bring out of the caches: a round does
// not take turns between copies.
TEST_F(MeasureTest, CopiesDoNotMeetEachOthersColdMemory) {
  int warm = -1;
  const auto copy = [&](int index) -> Work {
    return [&, index] {
      machine_.Spend(kMicrosecond * (warm == index ? 300 : 400));
      warm = index;
    };
  };
  const std::vector<WorkCopies> works = {{copy(0), copy(1), copy(2)}};
  ASSERT_OK_AND_ASSIGN(
      const MeasureResult result,
      Measure(works, reference_, options_, machine_, stop_.token()));
  EXPECT_EQ(result.works[0].median_ns, 300e3);
  EXPECT_EQ(result.works[0].p90_ns, 300e3);
}

// Copies differ by where their memory lies; a piece's time is their mean.
TEST_F(MeasureTest, TakesTheMeanOfCopies) {
  options_.samples_per_round = 6;
  const std::vector<WorkCopies> works = {{Costs(300), Costs(303), Costs(309)}};
  ASSERT_OK_AND_ASSIGN(
      const MeasureResult result,
      Measure(works, reference_, options_, machine_, stop_.token()));
  EXPECT_FALSE(result.noisy);
  EXPECT_NEAR(result.works[0].median_ns, 304e3, 1);
  EXPECT_NEAR(result.works[0].placement, 0.03, 1e-9);
  EXPECT_EQ(result.works[0].samples_ns.size(), 7u * 3u * 6u);
}

// A copy of the reference that is slower for good counts as the others do.
TEST_F(MeasureTest, TakesTheReferencesCopiesInTurn) {
  options_.samples_per_round = 6;
  reference_.copies = {Costs(49), Costs(50), Costs(51)};
  ASSERT_OK_AND_ASSIGN(
      reference_.full_speed_ns,
      EstimateFullSpeedNs(reference_.copies, absl::Milliseconds(30), machine_,
                          stop_.token()));
  EXPECT_NEAR(reference_.full_speed_ns, 50e3, 1);
  ASSERT_OK_AND_ASSIGN(const MeasureResult result, Run({Costs(300)}));
  EXPECT_NEAR(result.works[0].median_ns, 300e3, 1);
  EXPECT_NEAR(result.slowdown, 1, 1e-9);
}

TEST_F(MeasureTest, IsUnavailableWhereEverySampleIsPreempted) {
  const Work work = [&] {
    machine_.Spend(kMillisecond);
    machine_.Preempt(absl::Milliseconds(4));
  };
  EXPECT_THAT(Run({work}), StatusIs(absl::StatusCode::kUnavailable,
                                    testing::HasSubstr("preempted")));
}

TEST_F(MeasureTest, StopsWhenAsked) {
  int calls = 0;
  const Work work = [&] {
    machine_.Spend(kMillisecond);
    if (++calls == 15) stop_.RequestStop();
  };
  EXPECT_THAT(Run({work}), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_LT(calls, 30);
}

TEST_F(MeasureTest, FullSpeedIsWhatRemainsWithoutDisturbances) {
  machine_.set_slowdown([](int64_t now_ns) {
    return now_ns % int64_t{5'000'000} < 3'000'000 ? 1.4 : 1;
  });
  EXPECT_THAT(EstimateFullSpeedNs({Costs(50)}, absl::Milliseconds(50), machine_,
                                  stop_.token()),
              IsOkAndHolds(50e3));
  stop_.RequestStop();
  EXPECT_THAT(EstimateFullSpeedNs({Costs(50)}, absl::Milliseconds(50), machine_,
                                  stop_.token()),
              StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace frostnas::latency
