#include "workers/tasks/latency.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "quant/package.h"

namespace frostnas::workers {
namespace {

absl::StatusOr<latency::LatencyDevice*> Find(Devices& devices,
                                             const std::string& id) {
  const auto found = devices.find(id);
  if (found == devices.end()) {
    return absl::UnavailableError(
        absl::StrCat("device ", id, " is not attached to this worker"));
  }
  return found->second.get();
}

// LatencyWork and ProfileOpsWork name the same fields.
template <typename Work>
latency::MeasureRequest RequestOf(const Work& work) {
  return {.threads = work.threads(),
          .batch = work.batch(),
          .effort = latency::EffortOf(work.effort()),
          .full_speeds = work.full_speeds()};
}

}  // namespace

absl::StatusOr<v1::TaskResult> LatencyRunner::Run(const v1::Task& task,
                                                  TaskContext& context) {
  const v1::LatencyWork& work = task.latency();
  ASSIGN_OR_RETURN(latency::LatencyDevice * device,
                   Find(*devices_, work.device_id()));
  ASSIGN_OR_RETURN(const std::string bytes,
                   context.client.GetBlob(work.package_sha256()));
  ASSIGN_OR_RETURN(const v1::Package package, quant::ParsePackage(bytes));
  latency::MeasureRequest request = RequestOf(work);
  request.sustained_s = work.sustained_s();
  ASSIGN_OR_RETURN(v1::Measurement measurement,
                   device->Measure(package, request, context.stop));
  measurement.set_predicted_ns(work.predicted_ns());
  v1::TaskResult result;
  *result.mutable_latency()->mutable_device() = device->Describe();
  *result.mutable_latency()->mutable_measurement() = std::move(measurement);
  return result;
}

absl::StatusOr<v1::TaskResult> ProfileOpsRunner::Run(const v1::Task& task,
                                                     TaskContext& context) {
  const v1::ProfileOpsWork& work = task.profile_ops();
  ASSIGN_OR_RETURN(latency::LatencyDevice * device,
                   Find(*devices_, work.device_id()));
  v1::TaskResult result;
  v1::ProfileOpsResult& profile = *result.mutable_profile_ops();
  *profile.mutable_device() = device->Describe();
  if (work.ops().empty()) return result;
  const std::vector<v1::OpKey> ops(work.ops().begin(), work.ops().end());
  latency::MeasureRequest request = RequestOf(work);
  request.input_size = work.input_size();
  RETURN_IF_ERROR(device->ProfileOps(
      ops, request,
      [&](const v1::OpLatency& op) {
        *profile.add_ops() = op;
        context.progress(static_cast<double>(profile.ops_size()) / ops.size());
        return absl::OkStatus();
      },
      context.stop));
  *profile.mutable_full_speeds() = device->FullSpeeds(work.threads());
  return result;
}

}  // namespace frostnas::workers
