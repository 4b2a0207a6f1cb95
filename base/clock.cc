#include "base/clock.h"

#include <chrono>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/stop.h"

namespace frostnas {
namespace {

class SystemClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }

  absl::Duration Monotonic() const override {
    return absl::FromChrono(
        std::chrono::steady_clock::now().time_since_epoch());
  }

  bool WaitUntil(absl::Duration deadline, const StopToken& stop) override {
    while (!stop.StopRequested()) {
      const absl::Duration left = deadline - Monotonic();
      if (left <= absl::ZeroDuration()) return true;
      stop.WaitFor(left);
    }
    return false;
  }
};

}  // namespace

Clock& RealClock() {
  static SystemClock* const clock = new SystemClock;
  return *clock;
}

}  // namespace frostnas
