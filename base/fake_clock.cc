#include "base/fake_clock.h"

#include <algorithm>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "base/stop.h"

namespace frostnas {

void FakeClock::Advance(absl::Duration span) {
  CHECK(span >= absl::ZeroDuration());
  absl::MutexLock lock(&mutex_);
  elapsed_ += span;
}

void FakeClock::SetNow(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  start_ = now - elapsed_;
}

void FakeClock::AwaitWaiters(int count) {
  const auto enough = [this, count]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return waiters_ >= count;
  };
  absl::MutexLock lock(&mutex_, absl::Condition(&enough));
}

absl::Time FakeClock::Now() const {
  absl::MutexLock lock(&mutex_);
  return start_ + elapsed_;
}

absl::Duration FakeClock::Monotonic() const {
  absl::MutexLock lock(&mutex_);
  return elapsed_;
}

bool FakeClock::WaitUntil(absl::Duration deadline, const StopToken& stop) {
  // Locking makes waiting threads look at their conditions again.
  const StopCallback wake(stop, [this] { absl::MutexLock lock(&mutex_); });
  const auto done = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return elapsed_ >= deadline || stop.StopRequested();
  };
  absl::MutexLock lock(&mutex_);
  if (waits_ == Waits::kAdvance && !stop.StopRequested()) {
    elapsed_ = std::max(elapsed_, deadline);
  }
  ++waiters_;
  mutex_.Await(absl::Condition(&done));
  --waiters_;
  return elapsed_ >= deadline;
}

}  // namespace frostnas
