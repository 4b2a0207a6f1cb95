// Keeps the calling thread on one core while it measures.
#ifndef FROSTNAS_LATENCY_MEASURE_AFFINITY_H_
#define FROSTNAS_LATENCY_MEASURE_AFFINITY_H_

#include <sched.h>

namespace frostnas::latency {

// The core a measuring thread should use: the last one the calling thread may
// run on, because most systems serve interrupts on the first. -1: unknown.
int ChooseCore();

// Pins the calling thread to `core` until destruction, which gives the thread
// the cores it had before. Destroy it on the thread that made it. Threads
// created meanwhile are pinned as well, and stay so.
class ScopedPin {
 public:
  explicit ScopedPin(int core);
  ~ScopedPin();
  ScopedPin(const ScopedPin&) = delete;
  ScopedPin& operator=(const ScopedPin&) = delete;

  // The core, or -1 where the system refused: the measurement then goes on
  // unpinned and says so.
  int core() const { return core_; }

 private:
  cpu_set_t before_;
  int core_ = -1;
};

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_MEASURE_AFFINITY_H_
