#include "latency/custom/custom_host_device.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/subprocess.h"
#include "latency/measure/host_description.h"

namespace frostnas::latency {
namespace {

v1::Device Describe(const CustomRuntime& runtime, v1::Device host) {
  host.set_runtime(
      absl::StrCat(runtime.config().name(), "; operators by ", host.runtime()));
  host.set_fingerprint(DeviceFingerprint(host));
  return host;
}

class CustomHostDevice final : public LatencyDevice {
 public:
  CustomHostDevice(CustomRuntime runtime, ModelExport export_model,
                   std::unique_ptr<LatencyDevice> host, Clock& clock)
      : runtime_(std::move(runtime)),
        export_model_(std::move(export_model)),
        host_(std::move(host)),
        clock_(clock),
        device_(latency::Describe(runtime_, host_->Describe())) {}

  const v1::Device& Describe() const override { return device_; }

  absl::StatusOr<v1::Measurement> Measure(const v1::Package& package,
                                          const MeasureRequest& request,
                                          const StopToken& stop) override {
    RETURN_IF_ERROR(CheckRequest(request));
    ASSIGN_OR_RETURN(const std::string model, export_model_(package));
    const absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const TempDir folder, TempDir::Create());
    const std::string path = absl::StrCat(folder.path(), "/model");
    RETURN_IF_ERROR(WriteFileAtomic(path, model));
    const std::vector<std::string> command =
        runtime_.Command({.model = path, .threads = request.threads});
    std::vector<std::vector<int64_t>> runs;
    for (int run = 0; run < runtime_.runs(); ++run) {
      ASSIGN_OR_RETURN(runs.emplace_back(), RunOnce(command, stop));
    }
    v1::Measurement measurement = ReportedMeasurement(runs);
    measurement.set_device_id(device_.id());
    measurement.set_device_fingerprint(device_.fingerprint());
    measurement.set_runtime(runtime_.config().name());
    measurement.set_threads(request.threads);
    measurement.set_batch(request.batch);
    measurement.set_measured_at_ns(absl::ToUnixNanos(clock_.Now()));
    return measurement;
  }

  absl::Status ProfileOps(absl::Span<const v1::OpKey> ops,
                          const MeasureRequest& request, const OpCallback& done,
                          const StopToken& stop) override {
    return host_->ProfileOps(ops, request, done, stop);
  }

  v1::FullSpeeds FullSpeeds(int threads) const override {
    return host_->FullSpeeds(threads);
  }

 private:
  absl::StatusOr<std::vector<int64_t>> RunOnce(
      const std::vector<std::string>& command, const StopToken& stop) {
    absl::StatusOr<SubprocessResult> ended =
        RunSubprocess(command, {.deadline = runtime_.deadline(), .stop = stop});
    if (absl::IsNotFound(ended.status())) {
      return absl::FailedPreconditionError(
          absl::StrCat("runtime of host: command: ", ended.status().message()));
    }
    RETURN_IF_ERROR(ended.status());
    if (ended->exit_code == 0) return runtime_.SamplesNs(ended->stdout_text);
    return absl::AbortedError(absl::StrCat(CommandText(command), " ended with ",
                                           ended->exit_code, ": ",
                                           ended->stderr_text.substr(0, 300)));
  }

  const CustomRuntime runtime_;
  const ModelExport export_model_;
  const std::unique_ptr<LatencyDevice> host_;
  Clock& clock_;
  const v1::Device device_;
  absl::Mutex mutex_;
};

}  // namespace

std::unique_ptr<LatencyDevice> CreateCustomHostDevice(
    CustomRuntime runtime, ModelExport export_model,
    std::unique_ptr<LatencyDevice> host, Clock& clock) {
  return std::make_unique<CustomHostDevice>(
      std::move(runtime), std::move(export_model), std::move(host), clock);
}

}  // namespace frostnas::latency
