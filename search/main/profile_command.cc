#include "search/main/profile_command.h"

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/status_macros.h"
#include "base/stop.h"
#include "latency/device.h"
#include "latency/latency_table.h"
#include "latency/open_device.h"
#include "latency/predict/calibration_report.h"
#include "latency/predict/profile_space.h"
#include "search/main/study_flags.h"
#include "search/spaces/spaces.h"
#include "workers/device_flags.h"

ABSL_DECLARE_FLAG(std::string, space);
ABSL_DECLARE_FLAG(std::vector<std::string>, device);
ABSL_DECLARE_FLAG(uint64_t, seed);
ABSL_DECLARE_FLAG(int, threads);

ABSL_FLAG(std::string, table, "",
          "profile: latency table to make, or to complete when it is there.");
ABSL_FLAG(std::string, report, "",
          "profile: JSON file for how well networks are predicted.");
ABSL_FLAG(std::string, effort, "quick",
          "profile: how long each is measured: smoke, quick or full.");
ABSL_FLAG(int, batch, 1, "profile: images a network takes at once, 1..1024.");
ABSL_FLAG(int, calibration_networks, 0,
          "profile: whole networks to fit predictions on, 1..1000. 0: by "
          "effort, smoke 4, quick 32, full 160.");
ABSL_FLAG(int, holdout, 16,
          "profile: networks measured to judge predictions by, 0..1000.");
ABSL_FLAG(std::vector<std::string>, start_from, {},
          "profile: comma list of tables of known devices, the most alike "
          "first; the new device is then measured in part only.");
ABSL_FLAG(double, target_mape, 0.03,
          "profile: with --start_from, mean relative error of predicted "
          "networks above which further operators are measured, 0..1.");

namespace frostnas::search {
namespace {

using latency::Effort;
using latency::LatencyTable;

struct EffortRow {
  const char* name;
  Effort effort;
  int networks;
};

constexpr EffortRow kEfforts[] = {{"smoke", Effort::kSmoke, 4},
                                  {"quick", Effort::kQuick, 32},
                                  {"full", Effort::kFull, 160}};

absl::Status CheckFlag(absl::string_view flag, double value, double low,
                       double high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, ": ", value, " is not in ", low, "..", high));
}

absl::StatusOr<latency::ProfileOptions> OptionsFromFlags() {
  latency::ProfileOptions options;
  const std::string name = absl::GetFlag(FLAGS_effort);
  const EffortRow* effort = nullptr;
  for (const EffortRow& row : kEfforts) {
    if (name == row.name) effort = &row;
  }
  if (effort == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--effort: \"", name, "\" is not one of smoke, quick, full"));
  }
  const int threads = absl::GetFlag(FLAGS_threads);
  options.request = {.threads = threads == 0 ? 1 : threads,
                     .batch = absl::GetFlag(FLAGS_batch),
                     .effort = effort->effort};
  RETURN_IF_ERROR(latency::CheckRequest(options.request));
  options.networks = absl::GetFlag(FLAGS_calibration_networks);
  RETURN_IF_ERROR(CheckFlag("calibration_networks", options.networks, 0, 1000));
  if (options.networks == 0) options.networks = effort->networks;
  options.held_out = absl::GetFlag(FLAGS_holdout);
  RETURN_IF_ERROR(CheckFlag("holdout", options.held_out, 0, 1000));
  options.seed = absl::GetFlag(FLAGS_seed);
  options.target_mape = absl::GetFlag(FLAGS_target_mape);
  RETURN_IF_ERROR(CheckFlag("target_mape", options.target_mape, 0, 1));
  for (const std::string& path : absl::GetFlag(FLAGS_start_from)) {
    ASSIGN_OR_RETURN(LatencyTable table,
                     LatencyTable::Load(ResolveUserPath(path)));
    options.start_from.push_back(std::move(table));
  }
  return options;
}

absl::StatusOr<std::unique_ptr<latency::LatencyDevice>> DeviceFromFlags(
    const StopToken& stop) {
  const std::vector<std::string> ids = absl::GetFlag(FLAGS_device);
  if (ids.size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--device: profile measures one device, not ", ids.size()));
  }
  ASSIGN_OR_RETURN(const latency::DeviceId id, latency::ParseDeviceId(ids[0]));
  if (id.kind == latency::DeviceKind::kTable) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--device: ", ids[0], " is not measured; it is a table already"));
  }
  ASSIGN_OR_RETURN(const latency::DeviceOptions options,
                   workers::DeviceOptionsFromFlags());
  return latency::OpenDevice(ids[0], options, RealClock(), stop);
}

// The file's, or an empty one.
absl::StatusOr<LatencyTable> TableFor(const std::string& path,
                                      const v1::Device& device,
                                      const latency::MeasureRequest& request) {
  if (!FileExists(path)) {
    return LatencyTable(device, request.threads, request.batch);
  }
  ASSIGN_OR_RETURN(LatencyTable table, LatencyTable::Load(path));
  const absl::Status status = latency::CheckTableOf(table, device, request);
  if (status.ok()) return table;
  return absl::Status(status.code(),
                      absl::StrCat("--table: ", path, ": ", status.message()));
}

absl::Status Report(const arch::SearchSpace& space, const LatencyTable& table,
                    const latency::ProfileSummary& summary) {
  ASSIGN_OR_RETURN(const latency::CalibrationReport report,
                   latency::MakeCalibrationReport(space, table));
  std::fputs(latency::ReportText(report, summary).c_str(), stdout);
  const std::string path = absl::GetFlag(FLAGS_report);
  if (path.empty()) return absl::OkStatus();
  return WriteFileAtomic(ResolveUserPath(path),
                         latency::ReportJson(report, space, summary));
}

}  // namespace

absl::Status ProfileFromFlags(const arch::SpaceOverrides& overrides) {
  if (absl::GetFlag(FLAGS_table).empty()) {
    return absl::InvalidArgumentError("--table: needed for profile");
  }
  const std::string path = ResolveUserPath(absl::GetFlag(FLAGS_table));
  ASSIGN_OR_RETURN(const latency::ProfileOptions options, OptionsFromFlags());
  ASSIGN_OR_RETURN(const arch::SearchSpace space,
                   LoadSpace(absl::GetFlag(FLAGS_space), overrides));
  const StopToken stop = StopOnSignals();
  ASSIGN_OR_RETURN(const auto device, DeviceFromFlags(stop));
  ASSIGN_OR_RETURN(LatencyTable table,
                   TableFor(path, device->Describe(), options.request));
  std::unique_ptr<Progress> progress;
  const latency::ProfileHooks hooks = {
      .save = [&](const LatencyTable& each) { return each.Save(path); },
      .begin =
          [&](absl::string_view what, int count) {
            progress.reset();
            progress = std::make_unique<Progress>(
                ProgressOptions{.title = std::string(what), .total = count},
                RealClock(), StderrOutput());
          },
      .step = [&] { progress->Advance(1); },
      .waiting =
          [](const absl::Status& why) {
            LOG(WARNING) << "waiting: " << why.message();
          }};
  const auto summary = latency::ProfileSpace({.device = *device,
                                              .space = space,
                                              .hooks = hooks,
                                              .clock = RealClock(),
                                              .stop = stop},
                                             options, table);
  progress.reset();
  if (absl::IsCancelled(summary.status())) {
    return absl::CancelledError(
        absl::StrCat("stopped; what was measured is in ", path,
                     ", and the same command goes on from there"));
  }
  RETURN_IF_ERROR(summary.status());
  return Report(space, table, *summary);
}

}  // namespace frostnas::search
