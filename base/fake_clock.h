// A clock that moves only when told to.

#ifndef FROSTNAS_BASE_FAKE_CLOCK_H_
#define FROSTNAS_BASE_FAKE_CLOCK_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/stop.h"

namespace frostnas {

// Safe on any thread. Waiting threads wake when Advance() reaches their
// deadline, or at their stop.
class FakeClock final : public Clock {
 public:
  // What a wait does: block until another thread advances the clock, or
  // advance the clock itself to its deadline and return at once.
  enum class Waits { kBlock, kAdvance };

  explicit FakeClock(Waits waits = Waits::kBlock,
                     absl::Time start = absl::FromUnixSeconds(1'700'000'000))
      : waits_(waits), start_(start) {}

  // Moves both the time of day and the monotonic time by `span` >= 0.
  void Advance(absl::Duration span);

  // Sets the time of day alone, as an administrator would.
  void SetNow(absl::Time now);

  // Blocks until `count` threads wait on this clock.
  void AwaitWaiters(int count);

  absl::Time Now() const override;
  absl::Duration Monotonic() const override;
  bool WaitUntil(absl::Duration deadline, const StopToken& stop) override;

 private:
  const Waits waits_;
  mutable absl::Mutex mutex_;
  absl::Time start_ ABSL_GUARDED_BY(mutex_);
  absl::Duration elapsed_ ABSL_GUARDED_BY(mutex_);
  int waiters_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace frostnas

#endif  // FROSTNAS_BASE_FAKE_CLOCK_H_
