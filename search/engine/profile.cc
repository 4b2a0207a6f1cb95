#include "search/engine/profile.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "arch/op_key.h"
#include "arch/space.h"
#include "base/log.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "latency/calibrate.h"
#include "quant/package.h"
#include "quant/quantized_graph.h"

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
  ASSIGN_OR_RETURN(const std::vector<db::TaskRecord> records,
                   RunTasks(run, kPhase,
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

// `ops` are all of the space: a task stands for its place among those, so that
// a profile that goes on after an interruption, with less missing, finds the
// tasks it made before.
absl::Status MeasureMissing(StudyRun& run, const LatencyTable& table,
                            absl::Span<const v1::OpKey> ops) {
  const std::string& device = table.device().id();
  std::vector<db::NewTask> tasks;
  for (size_t begin = 0; begin < ops.size(); begin += kOpsPerTask) {
    const std::vector<v1::OpKey> missing =
        table.Missing(ops.subspan(begin, kOpsPerTask));
    if (missing.empty()) continue;
    tasks.push_back({.key = absl::StrCat("profile/", device, "/", begin),
                     .task = ProfileTask(run, device, missing)});
  }
  ASSIGN_OR_RETURN(const std::vector<db::TaskRecord> records,
                   RunTasks(run, kPhase, tasks));
  for (const db::TaskRecord& record : records) {
    RETURN_IF_ERROR(ResultOf(record).status());
  }
  return absl::OkStatus();
}

// A network of the space with random weights: latency does not depend on them.
absl::StatusOr<v1::Package> RandomPackage(const v1::Architecture& architecture,
                                          uint64_t seed) {
  ASSIGN_OR_RETURN(const arch::Graph graph,
                   arch::ExpandArchitecture(architecture));
  quant::QuantizedGraph quantized = quant::RandomQuantizedGraph(graph, seed);
  v1::Package package;
  package.set_format_version(1);
  *package.mutable_architecture() = architecture;
  for (int c = 0; c < graph.input.channels; ++c) {
    package.mutable_input()->add_mean(0.5f);
    package.mutable_input()->add_stddev(0.25f);
  }
  *package.mutable_input()->mutable_grid() = quantized.input;
  for (v1::PackageLayer& layer : quantized.layers) {
    *package.add_layers() = std::move(layer);
  }
  package.set_fake_quant_top1(-1);
  return package;
}

// Networks spread over the space, the cheapest and dearest candidates of every
// slot among them, so that the fit spans the latencies it is used for.
std::vector<v1::Choice> CalibrationChoices(const arch::SearchSpace& space,
                                           const LatencyTable& table, int count,
                                           uint64_t seed) {
  v1::Choice cheapest, dearest;
  for (const arch::SearchSlot& slot : space.slots()) {
    int low = 0, high = 0;
    std::vector<double> ns;
    for (const arch::SlotCandidate& candidate : slot.candidates) {
      ns.push_back(candidate.skip ? 0
                                  : table.OpSumNs(candidate.graph).value_or(0));
    }
    for (int k = 0; k < static_cast<int>(ns.size()); ++k) {
      if (ns[k] < ns[low]) low = k;
      if (ns[k] > ns[high]) high = k;
    }
    cheapest.add_candidate(low);
    dearest.add_candidate(high);
  }
  Random random = Random(seed).Split("calibration");
  std::vector<v1::Choice> choices = {cheapest, dearest};
  while (static_cast<int>(choices.size()) < count) {
    choices.push_back(space.RandomChoice(random));
  }
  choices.resize(count);
  return choices;
}

absl::StatusOr<std::vector<latency::NetworkPair>> MeasureNetworks(
    StudyRun& run, const arch::SearchSpace& space, const LatencyTable& table) {
  const std::string device = table.device().id();
  const std::vector<v1::Choice> choices = CalibrationChoices(
      space, table, run.spec.budget().calibration_networks(), run.spec.seed());
  std::vector<db::NewTask> tasks;
  std::vector<double> sums;
  for (size_t i = 0; i < choices.size(); ++i) {
    ASSIGN_OR_RETURN(const v1::Architecture architecture,
                     space.ArchitectureOf(choices[i]));
    ASSIGN_OR_RETURN(const arch::Graph graph,
                     arch::ExpandArchitecture(architecture));
    ASSIGN_OR_RETURN(const double sum, table.OpSumNs(graph));
    sums.push_back(sum);
    ASSIGN_OR_RETURN(const v1::Package package, RandomPackage(architecture, i));
    ASSIGN_OR_RETURN(const std::string digest,
                     run.blobs.Put(quant::SerializePackage(package)));
    v1::Task task;
    task.set_max_attempts(kMaxAttempts);
    task.mutable_latency()->set_device_id(device);
    task.mutable_latency()->set_package_sha256(digest);
    task.mutable_latency()->set_threads(kLatencyThreads);
    task.mutable_latency()->set_batch(kLatencyBatch);
    task.mutable_latency()->set_effort(EffortOf(run.spec.budget()));
    tasks.push_back(
        {.key = absl::StrCat("calibrate/", device, "/", i), .task = task});
  }
  ASSIGN_OR_RETURN(const std::vector<db::TaskRecord> records,
                   RunTasks(run, kPhase, tasks));
  std::vector<latency::NetworkPair> points;
  for (size_t i = 0; i < records.size(); ++i) {
    ASSIGN_OR_RETURN(const v1::TaskResult result, ResultOf(records[i]));
    points.push_back({.predicted_ns = sums[i],
                      .measured_ns = static_cast<double>(
                          result.latency().measurement().median_ns())});
  }
  return points;
}

absl::Status Calibrate(StudyRun& run, const arch::SearchSpace& space,
                       LatencyTable& table) {
  ASSIGN_OR_RETURN(const std::vector<latency::NetworkPair> points,
                   MeasureNetworks(run, space, table));
  ASSIGN_OR_RETURN(const v1::Calibration calibration,
                   latency::FitCalibration(points));
  RETURN_IF_ERROR(table.set_calibration(calibration));
  return run.store.MergeLatencyTable(table.ToProto());
}

absl::StatusOr<LatencyTable> MeasuredTable(StudyRun& run,
                                           const arch::SearchSpace& space,
                                           const std::string& device_id) {
  ASSIGN_OR_RETURN(const v1::Device device, DescribeDevice(run, device_id));
  ASSIGN_OR_RETURN(LatencyTable table, StoredTable(run, device));
  const std::vector<v1::OpKey> ops = arch::DistinctOps(space);
  if (const auto missing = table.Missing(ops); !missing.empty()) {
    LOG(INFO) << "profiling " << missing.size() << " operators on "
              << device_id;
    RETURN_IF_ERROR(MeasureMissing(run, table, ops));
    ASSIGN_OR_RETURN(table, StoredTable(run, device));
  }
  if (table.calibration().networks() == 0 &&
      run.spec.budget().calibration_networks() > 0) {
    RETURN_IF_ERROR(Calibrate(run, space, table));
  }
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
