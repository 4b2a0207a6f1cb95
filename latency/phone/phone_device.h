// A phone as a latency device.
//
// A measurement is one run of the runner between two readings of the phone's
// conditions, judged by acceptance.h; noisy ones are tried again, and the last
// try stands as NOISY.
#ifndef FROSTNAS_LATENCY_PHONE_PHONE_DEVICE_H_
#define FROSTNAS_LATENCY_PHONE_PHONE_DEVICE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/stop.h"
#include "latency/device.h"
#include "latency/phone/phone_options.h"

namespace frostnas::latency {

// Signs the phone up. Errors: adb.h's; INVALID_ARGUMENT: the serial, the cores,
// or not a phone for this runner. `clock` must outlive the device.
absl::StatusOr<std::unique_ptr<LatencyDevice>> OpenPhone(
    const PhoneOptions& options, Clock& clock, const StopToken& stop);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PHONE_PHONE_DEVICE_H_
