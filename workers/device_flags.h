// The flags about devices of every program that measures on them.
#ifndef FROSTNAS_WORKERS_DEVICE_FLAGS_H_
#define FROSTNAS_WORKERS_DEVICE_FLAGS_H_

#include "absl/status/statusor.h"
#include "latency/open_device.h"

namespace frostnas::workers {

// Of the parsed flags. INVALID_ARGUMENT or NOT_FOUND names the flag's file.
absl::StatusOr<latency::DeviceOptions> DeviceOptionsFromFlags();

}  // namespace frostnas::workers

#endif  // FROSTNAS_WORKERS_DEVICE_FLAGS_H_
