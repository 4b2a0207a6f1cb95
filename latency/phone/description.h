// A phone as a v1::Device: what it is, by its own account.
#ifndef FROSTNAS_LATENCY_PHONE_DESCRIPTION_H_
#define FROSTNAS_LATENCY_PHONE_DESCRIPTION_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/stop.h"
#include "latency/adb/adb.h"
#include "proto/frostnas/v1/measurement.pb.h"

namespace frostnas::latency {

// Id, model, SoC, Android build, cores with their highest frequencies, and
// memory; not what the runner knows (isa, runtime), nor the fingerprint.
// UNAVAILABLE: it is still starting (sys.boot_completed is not 1), or has no
// processor to speak of. INVALID_ARGUMENT: it is not a 64-bit ARM phone.
// Else adb.h's.
absl::StatusOr<v1::Device> DescribePhone(const Adb& adb,
                                         const std::string& serial,
                                         const StopToken& stop);

// Of the lines "[name]: [value]" that getprop prints.
absl::flat_hash_map<std::string, std::string> ParseProperties(
    absl::string_view text);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PHONE_DESCRIPTION_H_
