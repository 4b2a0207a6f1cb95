// From a device id to a device.
#ifndef FROSTNAS_LATENCY_OPEN_DEVICE_H_
#define FROSTNAS_LATENCY_OPEN_DEVICE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "latency/device.h"

namespace frostnas::latency {

// `clock` stamps measurements and must outlive the device. File names are
// relative to where the user is (base/file.h, ResolveUserPath).
// INVALID_ARGUMENT: not an id, or not a table. NOT_FOUND: no such file.
// UNIMPLEMENTED: this build cannot measure on phones.
absl::StatusOr<std::unique_ptr<LatencyDevice>> OpenDevice(absl::string_view id,
                                                          Clock& clock);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_OPEN_DEVICE_H_
