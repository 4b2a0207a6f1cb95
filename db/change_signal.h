// Wakes whoever waits for something in the store to change.
//
//   uint64_t seen = signal.count();
//   while (!(work = Look())) seen = signal.Wait(seen, absl::Seconds(10));
//
// Reading count() before looking makes a wake-up impossible to miss.
// Thread-safe.
#ifndef FROSTNAS_DB_CHANGE_SIGNAL_H_
#define FROSTNAS_DB_CHANGE_SIGNAL_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace frostnas::db {

class ChangeSignal {
 public:
  // Changes so far.
  uint64_t count() const {
    absl::MutexLock lock(&mutex_);
    return count_;
  }

  // Waits until count() differs from `seen` or `timeout` of real time has
  // passed; returns count().
  uint64_t Wait(uint64_t seen, absl::Duration timeout) {
    absl::MutexLock lock(&mutex_);
    const auto changed = [this, seen]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return count_ != seen;
    };
    mutex_.AwaitWithTimeout(absl::Condition(&changed), timeout);
    return count_;
  }

  // Wakes every waiter. The store calls it after a commit; a server that shuts
  // down may call it too.
  void Notify() {
    absl::MutexLock lock(&mutex_);
    ++count_;
  }

 private:
  mutable absl::Mutex mutex_;
  uint64_t count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_CHANGE_SIGNAL_H_
