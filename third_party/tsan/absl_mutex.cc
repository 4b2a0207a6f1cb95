// Tells ThreadSanitizer what Abseil's locks order.
//
// Debian's Abseil is not built for ThreadSanitizer, which therefore does not
// see that Mutex, CondVar, Notification, BlockingCounter and Barrier order the
// memory accesses around them, and would report each as a race. In the tsan
// configuration the linker turns our calls of their methods into calls of the
// wrappers here (--wrap), which say so. The names are those of Debian's build;
// one that is missing there stops the link.

#include <sanitizer/tsan_interface.h>

#include "absl/time/time.h"

// `symbol` is the mangled name without its _Z.
#define REAL(symbol) __real__Z##symbol
#define WRAP(symbol) __wrap__Z##symbol

// A method without arguments that comes after the releases of others.
#define ACQUIRES(symbol)            \
  void REAL(symbol)(void* object);  \
  void WRAP(symbol)(void* object) { \
    REAL(symbol)(object);           \
    __tsan_acquire(object);         \
  }

// A method that comes before the acquisitions of others.
#define RELEASES(symbol)            \
  void REAL(symbol)(void* object);  \
  void WRAP(symbol)(void* object) { \
    __tsan_release(object);         \
    REAL(symbol)(object);           \
  }

// A method that does both and tells something.
#define MEETS(symbol)                         \
  bool REAL(symbol)(void* object);            \
  bool WRAP(symbol)(void* object) {           \
    __tsan_release(object);                   \
    const bool result = REAL(symbol)(object); \
    __tsan_acquire(object);                   \
    return result;                            \
  }

// A method that may fail to take the lock.
#define TRIES(symbol)                         \
  bool REAL(symbol)(void* object);            \
  bool WRAP(symbol)(void* object) {           \
    const bool result = REAL(symbol)(object); \
    if (result) __tsan_acquire(object);       \
    return result;                            \
  }

// Takes the lock when a condition holds.
#define LOCKS_WHEN(symbol)                                \
  void REAL(symbol)(void* mutex, const void* condition);  \
  void WRAP(symbol)(void* mutex, const void* condition) { \
    REAL(symbol)(mutex, condition);                       \
    __tsan_acquire(mutex);                                \
  }

#define LOCKS_WHEN_UNTIL(symbol, Limit)                                      \
  bool REAL(symbol)(void* mutex, const void* condition, absl::Limit limit);  \
  bool WRAP(symbol)(void* mutex, const void* condition, absl::Limit limit) { \
    const bool result = REAL(symbol)(mutex, condition, limit);               \
    __tsan_acquire(mutex);                                                   \
    return result;                                                           \
  }

// Gives the lock up and takes it again when a condition holds.
#define AWAITS(symbol)                                    \
  void REAL(symbol)(void* mutex, const void* condition);  \
  void WRAP(symbol)(void* mutex, const void* condition) { \
    __tsan_release(mutex);                                \
    REAL(symbol)(mutex, condition);                       \
    __tsan_acquire(mutex);                                \
  }

#define AWAITS_UNTIL(symbol, Limit)                                          \
  bool REAL(symbol)(void* mutex, const void* condition, absl::Limit limit);  \
  bool WRAP(symbol)(void* mutex, const void* condition, absl::Limit limit) { \
    __tsan_release(mutex);                                                   \
    const bool result = REAL(symbol)(mutex, condition, limit);               \
    __tsan_acquire(mutex);                                                   \
    return result;                                                           \
  }

// A CondVar's wait: the mutex is the second argument.
#define WAITS(symbol)                              \
  void REAL(symbol)(void* cond_var, void* mutex);  \
  void WRAP(symbol)(void* cond_var, void* mutex) { \
    __tsan_release(mutex);                         \
    REAL(symbol)(cond_var, mutex);                 \
    __tsan_acquire(mutex);                         \
  }

#define WAITS_UNTIL(symbol, Limit)                                    \
  bool REAL(symbol)(void* cond_var, void* mutex, absl::Limit limit);  \
  bool WRAP(symbol)(void* cond_var, void* mutex, absl::Limit limit) { \
    __tsan_release(mutex);                                            \
    const bool result = REAL(symbol)(cond_var, mutex, limit);         \
    __tsan_acquire(mutex);                                            \
    return result;                                                    \
  }

// A Notification's wait with a limit.
#define NOTIFIED_UNTIL(symbol, Limit)                  \
  bool REAL(symbol)(void* object, absl::Limit limit);  \
  bool WRAP(symbol)(void* object, absl::Limit limit) { \
    const bool result = REAL(symbol)(object, limit);   \
    if (result) __tsan_acquire(object);                \
    return result;                                     \
  }

extern "C" {

ACQUIRES(N4absl7debian35Mutex4LockEv)
ACQUIRES(N4absl7debian35Mutex10ReaderLockEv)
RELEASES(N4absl7debian35Mutex6UnlockEv)
RELEASES(N4absl7debian35Mutex12ReaderUnlockEv)
TRIES(N4absl7debian35Mutex7TryLockEv)
TRIES(N4absl7debian35Mutex13ReaderTryLockEv)
LOCKS_WHEN(N4absl7debian35Mutex8LockWhenERKNS0_9ConditionE)
LOCKS_WHEN(N4absl7debian35Mutex14ReaderLockWhenERKNS0_9ConditionE)
LOCKS_WHEN_UNTIL(
    N4absl7debian35Mutex19LockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE,
    Duration)
LOCKS_WHEN_UNTIL(
    N4absl7debian35Mutex20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE,
    Time)
AWAITS(N4absl7debian35Mutex5AwaitERKNS0_9ConditionE)
AWAITS_UNTIL(
    N4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE,
    Duration)
AWAITS_UNTIL(
    N4absl7debian35Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE, Time)

WAITS(N4absl7debian37CondVar4WaitEPNS0_5MutexE)
WAITS_UNTIL(N4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE,
            Duration)
WAITS_UNTIL(N4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE,
            Time)

RELEASES(N4absl7debian312Notification6NotifyEv)
ACQUIRES(NK4absl7debian312Notification19WaitForNotificationEv)
NOTIFIED_UNTIL(
    // size: the name is that long.
    NK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE,
    Duration)
NOTIFIED_UNTIL(
    NK4absl7debian312Notification31WaitForNotificationWithDeadlineENS0_4TimeE,
    Time)

MEETS(N4absl7debian315BlockingCounter14DecrementCountEv)
ACQUIRES(N4absl7debian315BlockingCounter4WaitEv)
MEETS(N4absl7debian37Barrier5BlockEv)

}  // extern "C"
