// From a device id to a device.
#ifndef FROSTNAS_LATENCY_OPEN_DEVICE_H_
#define FROSTNAS_LATENCY_OPEN_DEVICE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/stop.h"
#include "latency/adb/adb.h"
#include "latency/custom/custom_runtime.h"
#include "latency/custom/model_export.h"
#include "latency/device.h"

namespace frostnas::latency {

struct DeviceOptions {
  // Of phones (phone/core_choice.h).
  std::string cores = "big";
  AdbOptions adb;
  // A device that is named here is measured by its user's own runtime.
  std::vector<CustomRuntime> runtimes;
  // Needed where one of those takes ONNX.
  ModelExport export_onnx;
};

// `clock` stamps measurements and must outlive the device. File names are
// relative to where the user is (base/file.h, ResolveUserPath). A phone is
// waited for a minute.
// INVALID_ARGUMENT: not an id, not a table, or options that do not fit.
// NOT_FOUND: no such file. Of a phone: adb/adb.h's.
absl::StatusOr<std::unique_ptr<LatencyDevice>> OpenDevice(
    absl::string_view id, const DeviceOptions& options, Clock& clock,
    const StopToken& stop);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_OPEN_DEVICE_H_
