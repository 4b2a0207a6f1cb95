// Time as an argument. Code that asks what time it is, or waits, takes a
// Clock; programs pass RealClock(), tests pass a FakeClock (fake_clock.h).
// A Clock is safe on any thread and must outlive those who hold it.

#ifndef FROSTNAS_BASE_CLOCK_H_
#define FROSTNAS_BASE_CLOCK_H_

#include "absl/time/time.h"
#include "base/stop.h"

namespace frostnas {

class Clock {
 public:
  virtual ~Clock() = default;

  // The time of day. It may jump when the system's clock is set.
  virtual absl::Time Now() const = 0;

  // Time since a fixed, arbitrary moment. It never goes back.
  virtual absl::Duration Monotonic() const = 0;

  // Blocks until Monotonic() reaches `deadline` or `stop` is requested.
  // Returns false when it was cut short by `stop`.
  virtual bool WaitUntil(absl::Duration deadline, const StopToken& stop) = 0;

  // The same for a span that starts now.
  bool WaitFor(absl::Duration span, const StopToken& stop) {
    return WaitUntil(Monotonic() + span, stop);
  }
};

// The system's clock. Never destroyed.
Clock& RealClock();

}  // namespace frostnas

#endif  // FROSTNAS_BASE_CLOCK_H_
