// A real measurement on a real core that another process begins to use in the
// middle of it.
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_matchers.h"
#include "base/stop.h"
#include "base/subprocess.h"
#include "gtest/gtest.h"
#include "latency/measure/affinity.h"
#include "latency/measure/machine.h"
#include "latency/measure/measure.h"

namespace frostnas::latency {
namespace {

// Fixed arithmetic, about 50 microseconds.
void Compute() {
  volatile uint32_t x = 1;
  for (int i = 0; i < 30000; ++i) x = x * 1664525 + 1013904223;
}

TEST(SiblingTest, ABusySiblingIsNoticedAndItsRoundsAreMeasuredAgain) {
  const ScopedPin pin(ChooseCore());
  ASSERT_GE(pin.core(), 0);
  const auto machine = CreateHostMachine(pin.core());
  Reference reference = {.copies = {Compute}};
  ASSERT_OK_AND_ASSIGN(
      reference.full_speed_ns,
      EstimateFullSpeedNs({Compute}, absl::Milliseconds(200), *machine, {}));

  // It starts once the measurement is under way and ends well before it must
  // give up.
  constexpr int kStartAfterCalls = 100;
  constexpr absl::Duration kBusy = absl::Milliseconds(400);
  StopSource end_sibling;
  std::thread sibling;
  int64_t busy_since_ns = 0;
  int calls = 0;
  const Work work = [&] {
    Compute();
    if (++calls == kStartAfterCalls) {
      busy_since_ns = machine->NowNs();
      sibling = std::thread([&] {
        (void)RunSubprocess({"taskset", "-c", absl::StrCat(pin.core()), "sh",
                             "-c", "while :; do :; done"},
                            {.stop = end_sibling.token()});
      });
    }
    const bool busy = busy_since_ns > 0 && !end_sibling.token().StopRequested();
    if (busy && absl::Nanoseconds(machine->NowNs() - busy_since_ns) > kBusy) {
      end_sibling.RequestStop();
    }
  };
  MeasureOptions options;
  options.samples_per_round = 40;
  options.rounds = 15;
  options.max_rounds = 100;
  options.max_time = absl::Seconds(20);
  const auto result =
      Measure({WorkCopies{work}}, reference, options, *machine, {});
  end_sibling.RequestStop();
  if (sibling.joinable()) sibling.join();
  ASSERT_OK(result.status());
  EXPECT_GT(calls, kStartAfterCalls);
  // Noisy where the machine was busy besides; then it says so.
  EXPECT_TRUE(result->rejected_rounds > 0 || result->noisy)
      << result->drift << " " << result->slowdown << " calls " << calls;
  EXPECT_GT(result->works[0].median_ns, 0);
}

}  // namespace
}  // namespace frostnas::latency
