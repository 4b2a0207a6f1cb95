// Keeps one phone: signs it up, and in a thread of its own cleans, checks,
// reboots and finds it again, by the rules of phone_life.h. A measurement
// leases the phone from its keeper.
//
// Thread-safe; at most one lease at a time, others wait. The destructor ends
// the thread and leaves the phone as it is.
#ifndef FROSTNAS_LATENCY_PHONE_PHONE_KEEPER_H_
#define FROSTNAS_LATENCY_PHONE_PHONE_KEEPER_H_

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/stop.h"
#include "latency/adb/adb.h"
#include "latency/phone/conditions.h"
#include "latency/phone/phone_life.h"
#include "latency/phone/phone_options.h"
#include "latency/phone/phone_runner.h"
#include "proto/frostnas/v1/measurement.pb.h"

namespace frostnas::latency {

class PhoneKeeper {
 public:
  // Signs the phone up, trying for options.sign_up_within. The last error.
  static absl::StatusOr<std::unique_ptr<PhoneKeeper>> Open(
      const PhoneOptions& options, Clock& clock, const StopToken& stop);
  ~PhoneKeeper();

  // Fixed from the sign-up on.
  const v1::Device& device() const { return device_; }
  const std::vector<int>& cores() const { return cores_; }

  // OK when it is clean, or leased and well; UNAVAILABLE with its state, or
  // FAILED_PRECONDITION when it is quarantined.
  absl::Status Ready() const;

  // Waits for the phone to be clean. UNAVAILABLE with its state after
  // options.lease_within; TooHotError (device.h) where it is cooling.
  absl::Status Lease(const StopToken& stop);
  // Ends a lease; what the use came to decides what is done with the phone.
  void Release(const absl::Status& used);

  // For the one who holds the lease.
  const Adb& adb() const { return adb_; }
  const PhoneRunner& runner() const { return runner_; }
  absl::StatusOr<v1::Conditions> Conditions(const StopToken& stop) const;

 private:
  PhoneKeeper(const PhoneOptions& options, Clock& clock);

  void Run();
  absl::Status Do(PhoneChore chore, bool cooling, const StopToken& stop);
  absl::Status Connect(const StopToken& stop);
  absl::Status SignUp(const StopToken& stop);
  absl::Status CheckHealth(bool cooling, const StopToken& stop);
  void Note(const absl::Status& done) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const PhoneOptions options_;
  Clock& clock_;
  const Adb adb_;
  const PhoneRunner runner_;
  // Set by the first sign-up, before the thread starts.
  v1::Device device_;
  std::vector<int> cores_;
  ConditionFiles condition_files_;
  // Used by Open, then by the thread.
  int failed_connects_ = 0;

  mutable absl::Mutex mutex_;
  PhoneLife life_ ABSL_GUARDED_BY(mutex_);
  bool at_work_ ABSL_GUARDED_BY(mutex_) = false;  // the thread, on the phone
  bool released_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  StopSource stop_;
  std::thread thread_;
};

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PHONE_PHONE_KEEPER_H_
