#include "search/main/table_file.h"

#include "base/file.h"
#include "base/status_macros.h"
#include "latency/latency_table.h"
#include "search/engine/profile.h"

namespace frostnas::search {

using latency::LatencyTable;

absl::Status ImportTable(const std::string& path, db::Store& store) {
  if (path.empty() || !FileExists(path)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const LatencyTable table, LatencyTable::Load(path));
  return store.MergeLatencyTable(table.ToProto());
}

absl::Status ExportTable(const std::string& path, db::Store& store,
                         const StudyReport& report) {
  if (path.empty()) return absl::OkStatus();
  for (const v1::Device& device : report.devices) {
    if (!device.measured()) continue;
    ASSIGN_OR_RETURN(
        const v1::LatencyTable stored,
        store.GetLatencyTable({.device_fingerprint = device.fingerprint(),
                               .runtime = device.runtime(),
                               .threads = kLatencyThreads,
                               .batch = kLatencyBatch}));
    ASSIGN_OR_RETURN(const LatencyTable table,
                     LatencyTable::FromProto(stored, "the store"));
    return table.Save(path);
  }
  return absl::OkStatus();
}

}  // namespace frostnas::search
