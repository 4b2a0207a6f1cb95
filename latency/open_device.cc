#include "latency/open_device.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "latency/host_device.h"
#include "latency/latency_table.h"
#include "latency/table_device.h"

namespace frostnas::latency {

absl::StatusOr<std::unique_ptr<LatencyDevice>> OpenDevice(absl::string_view id,
                                                          Clock& clock) {
  ASSIGN_OR_RETURN(const DeviceId parsed, ParseDeviceId(id));
  switch (parsed.kind) {
    case DeviceKind::kHost:
      return CreateHostDevice(clock);
    case DeviceKind::kTable: {
      ASSIGN_OR_RETURN(LatencyTable table,
                       LatencyTable::Load(ResolveUserPath(parsed.argument)));
      return CreateTableDevice(std::string(id), std::move(table));
    }
    case DeviceKind::kAdb:
      break;
  }
  return absl::UnimplementedError(
      absl::StrCat("device \"", id,
                   "\": this build cannot measure on phones; use host or "
                   "table:FILE"));
}

}  // namespace frostnas::latency
