#include "latency/open_device.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "latency/custom/custom_host_device.h"
#include "latency/host_device.h"
#include "latency/latency_table.h"
#include "latency/phone/phone_bundle.h"
#include "latency/phone/phone_device.h"
#include "latency/table_device.h"
#include "quant/package.h"

namespace frostnas::latency {
namespace {

const CustomRuntime* RuntimeOf(absl::string_view id,
                               const DeviceOptions& options) {
  for (const CustomRuntime& runtime : options.runtimes) {
    if (runtime.config().device_id() == id) return &runtime;
  }
  return nullptr;
}

absl::StatusOr<ModelExport> ExportFor(const CustomRuntime& runtime,
                                      const DeviceOptions& options) {
  if (runtime.config().model_format() == v1::MODEL_FORMAT_PACKAGE) {
    return [](const v1::Package& package) -> absl::StatusOr<std::string> {
      return quant::SerializePackage(package);
    };
  }
  if (options.export_onnx != nullptr) return options.export_onnx;
  return absl::InvalidArgumentError(
      absl::StrCat("runtime of ", runtime.config().device_id(),
                   ": model_format: this program does not write ONNX files"));
}

absl::StatusOr<std::unique_ptr<LatencyDevice>> OpenHost(
    absl::string_view id, const DeviceOptions& options, Clock& clock) {
  std::unique_ptr<LatencyDevice> host = CreateHostDevice(clock);
  const CustomRuntime* const runtime = RuntimeOf(id, options);
  if (runtime == nullptr) return host;
  ASSIGN_OR_RETURN(ModelExport export_model, ExportFor(*runtime, options));
  return CreateCustomHostDevice(*runtime, std::move(export_model),
                                std::move(host), clock);
}

absl::StatusOr<std::unique_ptr<LatencyDevice>> OpenAdb(
    absl::string_view id, const std::string& serial,
    const DeviceOptions& options, Clock& clock, const StopToken& stop) {
  PhoneOptions phone;
  phone.serial = serial;
  phone.cores = options.cores;
  phone.runner = PhoneBundle();
  phone.adb = options.adb;
  if (const CustomRuntime* const runtime = RuntimeOf(id, options)) {
    phone.custom = *runtime;
    ASSIGN_OR_RETURN(phone.export_model, ExportFor(*runtime, options));
  }
  return OpenPhone(phone, clock, stop);
}

}  // namespace

absl::StatusOr<std::unique_ptr<LatencyDevice>> OpenDevice(
    absl::string_view id, const DeviceOptions& options, Clock& clock,
    const StopToken& stop) {
  ASSIGN_OR_RETURN(const DeviceId parsed, ParseDeviceId(id));
  switch (parsed.kind) {
    case DeviceKind::kHost:
      return OpenHost(id, options, clock);
    case DeviceKind::kTable: {
      ASSIGN_OR_RETURN(LatencyTable table,
                       LatencyTable::Load(ResolveUserPath(parsed.argument)));
      return CreateTableDevice(std::string(id), std::move(table));
    }
    case DeviceKind::kAdb:
      return OpenAdb(id, parsed.argument, options, clock, stop);
  }
  return absl::InternalError("a device of no kind");
}

}  // namespace frostnas::latency
