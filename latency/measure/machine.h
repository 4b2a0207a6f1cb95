// What a measurement needs from the machine it runs on. The rules of
// measure.h see the world through this, so tests script it.
#ifndef FROSTNAS_LATENCY_MEASURE_MACHINE_H_
#define FROSTNAS_LATENCY_MEASURE_MACHINE_H_

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "base/stop.h"

namespace frostnas::latency {

// Thread-compatible. Preemptions speak about the thread that asks.
class Machine {
 public:
  virtual ~Machine() = default;

  // Monotonic clock, nanoseconds from an arbitrary start.
  virtual int64_t NowNs() = 0;

  // Processor time of the calling thread; where several threads compute, as
  // much time as has passed: one may wait for another.
  virtual absl::Duration Used() = 0;

  // How often the calling thread lost its core to another since it started.
  // Cheap enough to ask around every sample.
  virtual int64_t Preemptions() = 0;

  // Time the hypervisor gave to other guests instead of this one, so far;
  // 0 where that is not told.
  virtual absl::Duration Stolen() = 0;

  // Lets time pass, for a disturbance to end; less when a stop is requested.
  virtual void Pause(absl::Duration duration, const StopToken& stop) = 0;
};

// This machine. core: the one whose stolen time counts; -1: all.
std::unique_ptr<Machine> CreateHostMachine(int core);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_MEASURE_MACHINE_H_
