// The states a phone goes through in a pool, and when it is worth what: rules
// without the phone.
//
//   signing up -> clean -> leased -> dirty -> (cooling ->) clean
//   any but quarantined -> missing, unhealthy, rebooting -> signing up
//
// Only a sign-up or a passed health check makes a phone clean, and only a clean
// one is leased. After `reboot_after` faults without a measurement that worked
// it is rebooted; when `quarantine_after` reboots have not helped, or it comes
// back as another kind of device, it is quarantined: a person must look.
//
// Thread-compatible.
#ifndef FROSTNAS_LATENCY_PHONE_PHONE_LIFE_H_
#define FROSTNAS_LATENCY_PHONE_PHONE_LIFE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace frostnas::latency {

enum class PhoneState {
  kSigningUp,
  kClean,
  kLeased,
  kDirty,
  kCooling,
  kUnhealthy,
  kRebooting,
  kMissing,
  kQuarantined,
};
absl::string_view PhoneStateName(PhoneState state);  // "signing up", ...

// What a phone needs done by the one that keeps it.
enum class PhoneChore {
  kNone,    // leased, or quarantined
  kSignUp,  // connect, describe, bring the runner
  kClean,   // end what runs, remove what was left, then check health
  kCheck,   // check health
  kReboot,
};

struct PhoneLifeOptions {
  int reboot_after = 3;
  int quarantine_after = 3;
};

// What a chore or a lease came to.
enum class PhoneFinding {
  kHealthy,
  kHot,
  kFault,    // it answers, and something does not work
  kMissing,  // it does not answer
  kChanged,  // it is not the phone that was signed up
  kNothing,  // it was not the phone that ended it
};

class PhoneLife {
 public:
  explicit PhoneLife(const PhoneLifeOptions& options) : options_(options) {}

  PhoneState state() const { return state_; }
  // "cooling: 47.0 degrees Celsius, over 38"
  std::string Text() const;
  PhoneChore Chore() const;

  // Clean -> leased. False: it is not clean.
  bool Lease();
  // The end of a lease: leased -> dirty, or missing.
  void Release(PhoneFinding finding, absl::string_view why);
  // The end of Chore() but kReboot. kHealthy makes it clean.
  void Done(PhoneFinding finding, absl::string_view why);
  // The end of kReboot: it was told to, or could not be told.
  void Rebooted();

 private:
  // To unhealthy, or for good.
  void Fall();

  const PhoneLifeOptions options_;
  PhoneState state_ = PhoneState::kSigningUp;
  std::string why_;
  // Since the last measurement that worked.
  int faults_ = 0;  // since the last reboot, too
  int reboots_ = 0;
};

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PHONE_PHONE_LIFE_H_
