#include "search/engine/profile.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "arch/op_key.h"
#include "arch/space.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "latency/predict/space_networks.h"
#include "quant/package.h"

namespace frostnas::search {
namespace {

using latency::LatencyTable;

constexpr char kPhase[] = "profile";
// As for trials: a killed controller ends an attempt of its worker.
constexpr int kMaxAttempts = 10;
// Few enough that a killed profile loses seconds, enough that leasing costs
// nothing.
constexpr size_t kOpsPerTask = 24;
constexpr char kTablePrefix[] = "table:";

v1::Task ProfileTask(const StudyRun& run, const std::string& device,
                     absl::Span<const v1::OpKey> ops) {
  v1::Task task;
  task.set_max_attempts(kMaxAttempts);
  v1::ProfileOpsWork& work = *task.mutable_profile_ops();
  work.set_device_id(device);
  work.set_threads(kLatencyThreads);
  work.set_batch(kLatencyBatch);
  work.set_effort(EffortOf(run.spec.budget()));
  for (const v1::OpKey& op : ops) *work.add_ops() = op;
  return task;
}

// Asks the worker that has the device what it is, by profiling no operator.
absl::StatusOr<v1::Device> DescribeDevice(StudyRun& run,
                                          const std::string& device) {
  ASSIGN_OR_RETURN(
      const std::vector<db::TaskRecord> records,
      RunTasks(run, {.phase = kPhase, .part = "description of " + device},
               {{.key = absl::StrCat("describe/", device),
                 .task = ProfileTask(run, device, {})}}));
  ASSIGN_OR_RETURN(const v1::TaskResult result, ResultOf(records[0]));
  return result.profile_ops().device();
}

// What the store knows of the device; an empty table when nothing.
absl::StatusOr<LatencyTable> StoredTable(StudyRun& run,
                                         const v1::Device& device) {
  auto stored =
      run.store.GetLatencyTable({.device_fingerprint = device.fingerprint(),
                                 .runtime = device.runtime(),
                                 .threads = kLatencyThreads,
                                 .batch = kLatencyBatch});
  if (absl::IsNotFound(stored.status())) {
    return LatencyTable(device, kLatencyThreads, kLatencyBatch);
  }
  RETURN_IF_ERROR(stored.status());
  // The same kind of device may have been profiled under another name.
  *stored->mutable_device() = device;
  return LatencyTable::FromProto(*stored, "the store's latency table");
}

// A task stands for its place among all ops of the space, so that a profile
// that goes on after an interruption, with less missing, finds the tasks it
// made before.
absl::Status MeasureMissing(StudyRun& run, const arch::SearchSpace& space,
                            const LatencyTable& table) {
  const std::string& device = table.device().id();
  const std::vector<v1::OpKey> all = arch::DistinctOps(space);
  const absl::Span<const v1::OpKey> ops = all;
  std::vector<db::NewTask> tasks;
  for (size_t begin = 0; begin < ops.size(); begin += kOpsPerTask) {
    const std::vector<v1::OpKey> missing =
        table.Missing(ops.subspan(begin, kOpsPerTask));
    if (missing.empty()) continue;
    v1::Task task = ProfileTask(run, device, missing);
    task.mutable_profile_ops()->set_input_size(space.input().size);
    *task.mutable_profile_ops()->mutable_full_speeds() = table.full_speeds();
    tasks.push_back({.key = absl::StrCat("profile/", device, "/", begin),
                     .task = std::move(task)});
  }
  ASSIGN_OR_RETURN(
      const std::vector<db::TaskRecord> records,
      RunTasks(run, {.phase = kPhase, .part = "operators of " + device},
               tasks));
  for (const db::TaskRecord& record : records) {
    RETURN_IF_ERROR(ResultOf(record).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<db::NewTask> MeasureTask(StudyRun& run,
                                        const LatencyTable& table,
                                        const latency::SpaceNetwork& network) {
  const std::string& device = table.device().id();
  const v1::Package package = latency::RandomPackage(network, /*seed=*/1);
  ASSIGN_OR_RETURN(const std::string digest,
                   run.blobs.Put(quant::SerializePackage(package)));
  db::NewTask made;
  made.key = absl::StrCat("calibrate/", device, "/", network.arch_sha256);
  made.task.set_max_attempts(kMaxAttempts);
  v1::LatencyWork& work = *made.task.mutable_latency();
  work.set_device_id(device);
  work.set_package_sha256(digest);
  work.set_threads(kLatencyThreads);
  work.set_batch(kLatencyBatch);
  work.set_effort(EffortOf(run.spec.budget()));
  *work.mutable_full_speeds() = table.full_speeds();
  return made;
}

// Whole networks of the space, until the table has as many as the budget says.
absl::Status Calibrate(StudyRun& run, const arch::SearchSpace& space,
                       LatencyTable& table) {
  ASSIGN_OR_RETURN(const std::vector<latency::SpaceNetwork> networks,
                   latency::PickForFit(space, table,
                                       run.spec.budget().calibration_networks(),
                                       run.spec.seed()));
  if (networks.empty()) return absl::OkStatus();
  std::vector<db::NewTask> tasks;
  for (const latency::SpaceNetwork& network : networks) {
    ASSIGN_OR_RETURN(tasks.emplace_back(), MeasureTask(run, table, network));
  }
  ASSIGN_OR_RETURN(
      const std::vector<db::TaskRecord> records,
      RunTasks(run,
               {.phase = kPhase, .part = "networks of " + table.device().id()},
               tasks));
  for (size_t i = 0; i < records.size(); ++i) {
    ASSIGN_OR_RETURN(const v1::TaskResult result, ResultOf(records[i]));
    RETURN_IF_ERROR(table.AddNetwork(latency::MeasuredNetworkOf(
        networks[i], result.latency().measurement(), /*held_out=*/false)));
  }
  return run.store.MergeLatencyTable(table.ToProto());
}

absl::StatusOr<LatencyTable> MeasuredTable(StudyRun& run,
                                           const arch::SearchSpace& space,
                                           const std::string& device_id) {
  ASSIGN_OR_RETURN(const v1::Device device, DescribeDevice(run, device_id));
  ASSIGN_OR_RETURN(LatencyTable table, StoredTable(run, device));
  if (const auto missing = table.Missing(arch::DistinctOps(space));
      !missing.empty()) {
    LOG(INFO) << "profiling " << missing.size() << " operators on "
              << device_id;
    RETURN_IF_ERROR(MeasureMissing(run, space, table));
    ASSIGN_OR_RETURN(table, StoredTable(run, device));
  }
  RETURN_IF_ERROR(Calibrate(run, space, table));
  return table;
}

absl::StatusOr<LatencyTable> TableFromFile(const std::string& path,
                                           const arch::SearchSpace& space) {
  ASSIGN_OR_RETURN(LatencyTable table, LatencyTable::Load(path));
  const std::vector<v1::OpKey> missing =
      table.Missing(arch::DistinctOps(space));
  if (missing.empty()) return table;
  return absl::NotFoundError(absl::StrCat(
      path, ": lacks ", missing.size(), " operators of space ",
      space.spec().name(), ", the first is ", arch::OpKeyText(missing[0]),
      "; extend it on the device itself with --latency_table ", path));
}

}  // namespace

v1::MeasureEffort EffortOf(const v1::Budget& budget) {
  if (budget.preset() == "smoke") return v1::MEASURE_EFFORT_SMOKE;
  if (budget.preset() == "full") return v1::MEASURE_EFFORT_FULL;
  return v1::MEASURE_EFFORT_QUICK;
}

absl::StatusOr<std::vector<LatencyTable>> PrepareTables(StudyRun& run) {
  ASSIGN_OR_RETURN(const arch::SearchSpace space,
                   arch::SearchSpace::Create(run.spec.space()));
  std::vector<LatencyTable> tables;
  for (const std::string& device : run.spec.devices()) {
    if (absl::StartsWith(device, kTablePrefix)) {
      const std::string path = device.substr(sizeof(kTablePrefix) - 1);
      ASSIGN_OR_RETURN(LatencyTable table, TableFromFile(path, space));
      tables.push_back(std::move(table));
      continue;
    }
    ASSIGN_OR_RETURN(LatencyTable table, MeasuredTable(run, space, device));
    tables.push_back(std::move(table));
  }
  return tables;
}

}  // namespace frostnas::search
