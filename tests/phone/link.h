// How the phone answers its connections now. Thread-safe.
#ifndef FROSTNAS_TESTS_PHONE_LINK_H_
#define FROSTNAS_TESTS_PHONE_LINK_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/stop.h"

namespace frostnas::phone {

// The answer to a connection's CNXN.
enum class Greeting {
  kWelcome,     // CNXN
  kSilence,     // nothing
  kAskConsent,  // AUTH, and no consent comes
};

class Link {
 public:
  void Set(Greeting greeting, bool hung) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    greeting_ = greeting;
    hung_ = hung;
  }

  Greeting greeting() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return greeting_;
  }
  bool hung() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return hung_;
  }

  // Waits while the phone hangs. False: stopped.
  bool Pass(const StopToken& stop) const ABSL_LOCKS_EXCLUDED(mutex_) {
    // Lets the condition be looked at again.
    const StopCallback wake(stop, [this] { absl::MutexLock lock(&mutex_); });
    const auto may_pass = [this, &stop]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return !hung_ || stop.StopRequested();
    };
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&may_pass));
    return !stop.StopRequested();
  }

 private:
  mutable absl::Mutex mutex_;
  Greeting greeting_ ABSL_GUARDED_BY(mutex_) = Greeting::kWelcome;
  bool hung_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_LINK_H_
