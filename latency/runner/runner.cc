#include "latency/runner/runner.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "latency/bench.h"
#include "latency/device.h"
#include "latency/measure/machine.h"
#include "latency/reference_network.h"
#include "latency/runner/cores.h"
#include "latency/runner/own_file.h"
#include "quant/executor.h"
#include "quant/layer_params.h"
#include "quant/package.h"
#include "quant/xnnpack/runtime.h"
#include "quant/xnnpack/xnnpack_executor.h"

namespace frostnas::latency {
namespace {

constexpr uint32_t kFormatVersion = 1;
constexpr int64_t kMaxRequestBytes = int64_t{1} << 20;
constexpr int64_t kMaxPackageBytes = int64_t{512} << 20;
// Activations that the largest layer of a network may read and write.
constexpr int64_t kMaxValues = int64_t{1} << 28;

#if defined(__aarch64__)
constexpr char kProcessor[] = "arm64";
#else
constexpr char kProcessor[] = "amd64";
#endif

absl::Status At(absl::string_view what, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(what, ": ", status.message()));
}

absl::Status CheckMemory(const arch::Graph& graph, int batch) {
  for (const arch::Layer& layer : graph.layers) {
    const int64_t values =
        batch * (quant::Elements(layer.in) + quant::Elements(layer.out));
    if (values <= kMaxValues) continue;
    return absl::ResourceExhaustedError(
        absl::StrCat("layer ", layer.name, " has ", values, " values at batch ",
                     batch, "; at most ", kMaxValues, " are executed"));
  }
  return absl::OkStatus();
}

absl::StatusOr<quant::QuantizedGraph> ReadPackage(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxPackageBytes));
  const absl::StatusOr<v1::Package> package = quant::ParsePackage(bytes);
  RETURN_IF_ERROR(At(path, package.status()));
  return quant::QuantizedGraphOf(*package);
}

// One request at work.
class Runner {
 public:
  Runner(const v1::RunnerRequest& request, LineWriter& lines,
         const StopToken& stop)
      : request_(request),
        lines_(lines),
        stop_(stop),
        machine_(CreateHostMachine(core())) {}

  absl::Status Execute(const v1::ExecuteWork& work) {
    ASSIGN_OR_RETURN(const quant::QuantizedGraph quantized,
                     ReadPackage(work.package_file()));
    ASSIGN_OR_RETURN(auto executor, MakeExecutor(quantized));
    const int64_t bytes =
        request_.batch() * quant::Elements(quantized.graph.input);
    ASSIGN_OR_RETURN(const std::string input,
                     ReadFile(work.input_file(), kMaxValues));
    if (static_cast<int64_t>(input.size()) != bytes) {
      return absl::InvalidArgumentError(
          absl::StrCat(work.input_file(), ": has ", input.size(), " bytes, ",
                       request_.batch(), " images are ", bytes));
    }
    RETURN_IF_ERROR(stop_.Check());
    const absl::Span<const uint8_t> output = executor->RunQuantized(
        absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(input.data()),
                            input.size()),
        request_.batch());
    return WriteFileAtomic(
        work.output_file(),
        {reinterpret_cast<const char*>(output.data()), output.size()});
  }

  absl::Status Measure(const v1::MeasureWork& work, v1::RunnerEnd& end) {
    ASSIGN_OR_RETURN(const quant::QuantizedGraph quantized,
                     ReadPackage(work.package_file()));
    ASSIGN_OR_RETURN(Bench bench, MakeBench(work));
    const Effort effort = EffortOf(work.effort());
    ASSIGN_OR_RETURN(const WorkCopies network,
                     bench.MakeWork(quantized, request_.batch(), effort));
    const absl::StatusOr<MeasureResult> result =
        bench.Measure(network, effort, *machine_, stop_);
    end.set_full_speed_ns(bench.full_speed_ns());
    RETURN_IF_ERROR(result.status());
    v1::RunnerLine line;
    *line.mutable_timing() = ToTiming(*result);
    RETURN_IF_ERROR(lines_.Write(line));
    if (work.sustained_s() == 0) return absl::OkStatus();
    ASSIGN_OR_RETURN(
        *line.mutable_sustained(),
        MeasureSustained(network[0], absl::Seconds(work.sustained_s()),
                         *machine_, stop_));
    return lines_.Write(line);
  }

  absl::Status Profile(const v1::ProfileWork& work, v1::RunnerEnd& end) {
    ASSIGN_OR_RETURN(Bench bench, MakeBench(work));
    const std::vector<v1::OpKey> ops(work.ops().begin(), work.ops().end());
    const absl::Status status = bench.ProfileOps(
        ops,
        {.threads = request_.threads(),
         .batch = request_.batch(),
         .effort = EffortOf(work.effort())},
        *machine_,
        [this](const v1::OpLatency& op) {
          v1::RunnerLine line;
          *line.mutable_op() = op;
          return lines_.Write(line);
        },
        stop_);
    end.set_full_speed_ns(bench.full_speed_ns());
    return status;
  }

 private:
  // The one this process stays on; -1: several, or the system's choice.
  int core() const {
    return request_.cores_size() == 1 ? request_.cores(0) : -1;
  }

  absl::StatusOr<std::unique_ptr<quant::Executor>> MakeExecutor(
      const quant::QuantizedGraph& quantized) const {
    RETURN_IF_ERROR(CheckMemory(quantized.graph, request_.batch()));
    return quant::CreateXnnpackExecutor(quantized,
                                        {.threads = request_.threads()});
  }

  // MeasureWork and ProfileWork name the same fields.
  template <typename Work>
  absl::StatusOr<Bench> MakeBench(const Work& work) const {
    // Not a number is refused as well.
    if (!(work.full_speed_ns() >= 0 && std::isfinite(work.full_speed_ns()))) {
      return absl::InvalidArgumentError("full_speed_ns is not a time");
    }
    RETURN_IF_ERROR(CheckReferenceSize(work.reference_size()));
    return Bench(
        [this](const quant::QuantizedGraph& quantized) {
          return MakeExecutor(quantized);
        },
        work.reference_size(), work.full_speed_ns());
  }

  v1::RunnerTiming ToTiming(const MeasureResult& result) const {
    const WorkTiming& timing = result.works.front();
    v1::RunnerTiming to;
    to.set_median_ns(std::llround(timing.median_ns));
    to.set_p90_ns(std::llround(timing.p90_ns));
    to.set_ci_low_ns(std::llround(timing.ci_low_ns));
    to.set_ci_high_ns(std::llround(timing.ci_high_ns));
    to.mutable_samples_ns()->Assign(timing.samples_ns.begin(),
                                    timing.samples_ns.end());
    to.set_rejected_rounds(result.rejected_rounds);
    to.set_drift(result.drift);
    to.set_slope(result.slope);
    to.set_noisy(result.noisy);
    to.set_core(core());
    to.set_placement(timing.placement);
    return to;
  }

  const v1::RunnerRequest& request_;
  LineWriter& lines_;
  const StopToken stop_;
  const std::unique_ptr<Machine> machine_;
};

absl::Status CheckNumbers(const v1::RunnerRequest& request) {
  return CheckRequest({.threads = request.threads(),
                       .batch = request.batch(),
                       .sustained_s = request.measure().sustained_s()});
}

}  // namespace

absl::StatusOr<v1::RunnerHello> MakeHello() {
  v1::RunnerHello hello;
  hello.set_format_version(kFormatVersion);
  hello.set_runtime(absl::StrCat(quant::XnnpackName(), " ", kProcessor));
  hello.set_isa(quant::XnnpackIsa());
  hello.set_cores(UsableCores());
  ASSIGN_OR_RETURN(*hello.mutable_build_sha256(), Sha256HexOfFile(OwnFile()));
  return hello;
}

absl::StatusOr<v1::RunnerRequest> ReadRequest(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxRequestBytes));
  v1::RunnerRequest request;
  if (!request.ParseFromString(bytes)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is not a runner request"));
  }
  if (request.format_version() > kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": is of format ", request.format_version(),
        ", this runner knows ", kFormatVersion, "; build it anew"));
  }
  if (request.format_version() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": format_version is not set"));
  }
  return request;
}

absl::Status RunRequest(const v1::RunnerRequest& request, LineWriter& lines,
                        v1::RunnerEnd& end, const StopToken& stop) {
  if (request.has_describe()) return absl::OkStatus();
  RETURN_IF_ERROR(CheckNumbers(request));
  RETURN_IF_ERROR(StayOnCores(request.cores()));
  Runner runner(request, lines, stop);
  switch (request.work_case()) {
    case v1::RunnerRequest::kExecute:
      return runner.Execute(request.execute());
    case v1::RunnerRequest::kMeasure:
      return runner.Measure(request.measure(), end);
    case v1::RunnerRequest::kProfile:
      return runner.Profile(request.profile(), end);
    default:
      return absl::InvalidArgumentError("the request asks for nothing");
  }
}

}  // namespace frostnas::latency
