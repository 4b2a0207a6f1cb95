// Whether a phone's measurement may stand: the rules, without the phone.
#ifndef FROSTNAS_LATENCY_PHONE_ACCEPTANCE_H_
#define FROSTNAS_LATENCY_PHONE_ACCEPTANCE_H_

#include <string>

#include "proto/frostnas/v1/measurement.pb.h"

namespace frostnas::latency {

struct AcceptanceRules {
  // A phone this warm is not measured, and what was measured while it got there
  // does not count.
  double max_temperature_c = 42;
  // A phone that has been too hot is measured again from here on down.
  double cool_temperature_c = 38;
  // Growth of the reference's time from the first to the last third.
  double max_slope = 0.05;
};

enum class Acceptance {
  kAccept,
  // Noise that another try may not have.
  kMeasureAgain,
  // The phone is too hot, or throttles: wait, then measure again.
  kCoolDown,
  // The phone changed under the measurement; nothing about it holds.
  kReject,
};

struct AcceptanceResult {
  Acceptance acceptance = Acceptance::kAccept;
  std::string reason;  // for people; empty where accepted
};

// Before anything is run: kAccept or kCoolDown. `cooling`: it was too hot.
AcceptanceResult JudgeStart(const AcceptanceRules& rules,
                            const v1::Conditions& before, bool cooling);

// In this order: other cores or governors than before is kReject; too hot at
// the end, or throttled, kCoolDown; NOISY kMeasureAgain.
AcceptanceResult Judge(const AcceptanceRules& rules,
                       const v1::Measurement& measurement);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PHONE_ACCEPTANCE_H_
