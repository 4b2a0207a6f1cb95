// The host by a runtime of the user's own: whole networks are measured by its
// command, operators by the executor of this build, whose table a calibration
// on whole networks brings to the command's scale.
#ifndef FROSTNAS_LATENCY_CUSTOM_CUSTOM_HOST_DEVICE_H_
#define FROSTNAS_LATENCY_CUSTOM_CUSTOM_HOST_DEVICE_H_

#include <memory>

#include "base/clock.h"
#include "latency/custom/custom_runtime.h"
#include "latency/custom/model_export.h"
#include "latency/device.h"

namespace frostnas::latency {

// `host` measures operators. `clock` must outlive the device.
std::unique_ptr<LatencyDevice> CreateCustomHostDevice(
    CustomRuntime runtime, ModelExport export_model,
    std::unique_ptr<LatencyDevice> host, Clock& clock);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_CUSTOM_CUSTOM_HOST_DEVICE_H_
