#include "latency/phone/phone_life.h"

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace frostnas::latency {

absl::string_view PhoneStateName(PhoneState state) {
  switch (state) {
    case PhoneState::kSigningUp:
      return "signing up";
    case PhoneState::kClean:
      return "clean";
    case PhoneState::kLeased:
      return "leased";
    case PhoneState::kDirty:
      return "dirty";
    case PhoneState::kCooling:
      return "cooling";
    case PhoneState::kUnhealthy:
      return "unhealthy";
    case PhoneState::kRebooting:
      return "rebooting";
    case PhoneState::kMissing:
      return "missing";
    case PhoneState::kQuarantined:
      return "quarantined";
  }
  return "unknown";
}

std::string PhoneLife::Text() const {
  const absl::string_view name = PhoneStateName(state_);
  return why_.empty() ? std::string(name) : absl::StrCat(name, ": ", why_);
}

PhoneChore PhoneLife::Chore() const {
  switch (state_) {
    case PhoneState::kLeased:
    case PhoneState::kQuarantined:
      return PhoneChore::kNone;
    case PhoneState::kClean:
    case PhoneState::kCooling:
      return PhoneChore::kCheck;
    case PhoneState::kDirty:
      return PhoneChore::kClean;
    case PhoneState::kUnhealthy:
      return faults_ >= options_.reboot_after ? PhoneChore::kReboot
                                              : PhoneChore::kSignUp;
    case PhoneState::kSigningUp:
    case PhoneState::kRebooting:
    case PhoneState::kMissing:
      return PhoneChore::kSignUp;
  }
  return PhoneChore::kNone;
}

bool PhoneLife::Lease() {
  if (state_ != PhoneState::kClean) return false;
  state_ = PhoneState::kLeased;
  why_.clear();
  return true;
}

void PhoneLife::Release(PhoneFinding finding, absl::string_view why) {
  CHECK(state_ == PhoneState::kLeased) << PhoneStateName(state_);
  if (finding == PhoneFinding::kHealthy) faults_ = reboots_ = 0;
  if (finding == PhoneFinding::kFault) ++faults_;
  why_ = std::string(why);
  state_ = finding == PhoneFinding::kMissing ? PhoneState::kMissing
                                             : PhoneState::kDirty;
}

void PhoneLife::Done(PhoneFinding finding, absl::string_view why) {
  switch (finding) {
    case PhoneFinding::kHealthy:
      // A phone may answer well and yet fail at every measurement.
      if (faults_ >= options_.reboot_after) return Fall();
      state_ = PhoneState::kClean;
      why_.clear();
      return;
    case PhoneFinding::kHot:
      state_ = PhoneState::kCooling;
      break;
    case PhoneFinding::kFault:
      ++faults_;
      why_ = std::string(why);
      return Fall();
    case PhoneFinding::kMissing:
      // One that starts again is missing for a while.
      if (state_ != PhoneState::kRebooting) state_ = PhoneState::kMissing;
      break;
    case PhoneFinding::kChanged:
      state_ = PhoneState::kQuarantined;
      break;
    case PhoneFinding::kNothing:
      return;
  }
  why_ = std::string(why);
}

void PhoneLife::Fall() {
  state_ = PhoneState::kUnhealthy;
  if (faults_ < options_.reboot_after || reboots_ < options_.quarantine_after) {
    return;
  }
  state_ = PhoneState::kQuarantined;
  why_ = absl::StrCat(reboots_, " reboots did not help; last: ", why_);
}

void PhoneLife::Rebooted() {
  faults_ = 0;
  ++reboots_;
  state_ = PhoneState::kRebooting;
}

}  // namespace frostnas::latency
