#include "latency/measure/affinity.h"

#include <sched.h>

namespace frostnas::latency {

int ChooseCore() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return -1;
  for (int core = CPU_SETSIZE - 1; core >= 0; --core) {
    if (CPU_ISSET(core, &allowed)) return core;
  }
  return -1;
}

ScopedPin::ScopedPin(int core) {
  CPU_ZERO(&before_);
  if (core < 0 || core >= CPU_SETSIZE) return;
  if (sched_getaffinity(0, sizeof(before_), &before_) != 0) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  if (sched_setaffinity(0, sizeof(one), &one) == 0) core_ = core;
}

ScopedPin::~ScopedPin() {
  if (core_ >= 0) sched_setaffinity(0, sizeof(before_), &before_);
}

}  // namespace frostnas::latency
