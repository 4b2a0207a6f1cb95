// The parts that touch the real machine: what they do, not how fast.
#include <sched.h>

#include <thread>

#include "absl/time/time.h"
#include "base/stop.h"
#include "gtest/gtest.h"
#include "latency/measure/affinity.h"
#include "latency/measure/machine.h"

namespace frostnas::latency {
namespace {

cpu_set_t AllowedCores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  sched_getaffinity(0, sizeof(cores), &cores);
  return cores;
}

TEST(ScopedPinTest, PinsAndGivesTheCoresBack) {
  const cpu_set_t before = AllowedCores();
  const int core = ChooseCore();
  ASSERT_GE(core, 0);
  {
    const ScopedPin pin(core);
    EXPECT_EQ(pin.core(), core);
    const cpu_set_t pinned = AllowedCores();
    EXPECT_EQ(CPU_COUNT(&pinned), 1);
    EXPECT_TRUE(CPU_ISSET(core, &pinned));
    EXPECT_EQ(sched_getcpu(), core);
  }
  const cpu_set_t after = AllowedCores();
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST(ScopedPinTest, SaysWhenItIsNotPinned) {
  EXPECT_EQ(ScopedPin(-1).core(), -1);
  EXPECT_EQ(ScopedPin(CPU_SETSIZE).core(), -1);
}

TEST(HostMachineTest, CountersOnlyGrow) {
  const auto machine = CreateHostMachine(ChooseCore());
  const int64_t now_ns = machine->NowNs();
  const int64_t preemptions = machine->Preemptions();
  const absl::Duration stolen = machine->Stolen();
  EXPECT_GE(preemptions, 0);
  EXPECT_GE(stolen, absl::ZeroDuration());
  // Another thread's preemptions are not this one's.
  std::thread([] { std::this_thread::yield(); }).join();
  EXPECT_GE(machine->NowNs(), now_ns);
  EXPECT_GE(machine->Preemptions(), preemptions);
  EXPECT_GE(machine->Stolen(), stolen);
  EXPECT_GE(CreateHostMachine(-1)->Stolen(), absl::ZeroDuration());
}

TEST(HostMachineTest, ARequestedStopEndsThePause) {
  StopSource stop;
  stop.RequestStop();
  CreateHostMachine(-1)->Pause(absl::Hours(1), stop.token());
}

}  // namespace
}  // namespace frostnas::latency
