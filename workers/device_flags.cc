#include "workers/device_flags.h"

#include <string>

#include "absl/flags/flag.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "deploy/onnx_export.h"

ABSL_FLAG(std::string, cores, "big",
          "Cores of a phone to measure on: big, middle, little, all, or a list "
          "like 4,6-7.");
ABSL_FLAG(std::string, runtime, "",
          "Textproto that names, for a device, the command which measures "
          "networks there (docs/latency.md). Default: this program's own.");

namespace frostnas::workers {

absl::StatusOr<latency::DeviceOptions> DeviceOptionsFromFlags() {
  latency::DeviceOptions options;
  options.cores = absl::GetFlag(FLAGS_cores);
  options.export_onnx = deploy::ExportOnnx;
  const std::string runtime = absl::GetFlag(FLAGS_runtime);
  if (!runtime.empty()) {
    ASSIGN_OR_RETURN(options.runtimes,
                     latency::LoadCustomRuntimes(ResolveUserPath(runtime)));
  }
  return options;
}

}  // namespace frostnas::workers
