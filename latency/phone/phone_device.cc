#include "latency/phone/phone_device.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "arch/op_key.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "latency/phone/phone_keeper.h"
#include "latency/phone/runner_answer.h"
#include "latency/reference_network.h"
#include "latency/samples_digest.h"
#include "quant/package.h"

namespace frostnas::latency {
namespace {

// Operators of one run: what a fault costs at most.
constexpr size_t kOpsARun = 12;

v1::Measurement ToMeasurement(const v1::RunnerTiming& timing) {
  v1::Measurement measurement;
  measurement.set_median_ns(timing.median_ns());
  measurement.set_p90_ns(timing.p90_ns());
  measurement.set_ci_low_ns(timing.ci_low_ns());
  measurement.set_ci_high_ns(timing.ci_high_ns());
  measurement.set_samples(timing.samples_ns_size());
  measurement.set_samples_sha256(SamplesDigest(timing.samples_ns()));
  measurement.set_rejected_rounds(timing.rejected_rounds());
  measurement.set_drift(timing.drift());
  measurement.set_slope(timing.slope());
  measurement.set_core(timing.core());
  measurement.set_verdict(timing.noisy() ? v1::MEASUREMENT_VERDICT_NOISY
                                         : v1::MEASUREMENT_VERDICT_ACCEPTED);
  return measurement;
}

// What a phone says is data: times that cannot be are refused.
absl::Status CheckTiming(const v1::RunnerTiming& timing) {
  const bool sound = timing.median_ns() > 0 && timing.p90_ns() >= 0 &&
                     timing.samples_ns_size() > 0 &&
                     timing.ci_low_ns() <= timing.median_ns() &&
                     timing.median_ns() <= timing.ci_high_ns();
  if (sound) return absl::OkStatus();
  return absl::AbortedError("the runner gave times that cannot be");
}

class PhoneDevice final : public LatencyDevice {
 public:
  PhoneDevice(const PhoneOptions& options, std::unique_ptr<PhoneKeeper> keeper)
      : options_(options), keeper_(std::move(keeper)) {}

  const v1::Device& Describe() const override { return keeper_->device(); }
  absl::Status Ready() const override { return keeper_->Ready(); }

  absl::StatusOr<v1::Measurement> Measure(const v1::Package& package,
                                          const MeasureRequest& request,
                                          const StopToken& stop) override {
    RETURN_IF_ERROR(CheckRequest(request));
    RETURN_IF_ERROR(quant::ValidatePackage(package).status());
    RETURN_IF_ERROR(keeper_->Lease(stop));
    absl::StatusOr<v1::Measurement> result =
        MeasureLeased(package, request, stop);
    keeper_->Release(result.status());
    return result;
  }

  absl::Status ProfileOps(absl::Span<const v1::OpKey> ops,
                          const MeasureRequest& request, const OpCallback& done,
                          const StopToken& stop) override {
    RETURN_IF_ERROR(CheckRequest(request));
    for (size_t begin = 0; begin < ops.size(); begin += kOpsARun) {
      const auto group = ops.subspan(begin, kOpsARun);
      RETURN_IF_ERROR(keeper_->Lease(stop));
      const absl::StatusOr<std::vector<v1::OpLatency>> measured =
          ProfileLeased(group, request, stop);
      keeper_->Release(measured.status());
      RETURN_IF_ERROR(measured.status());
      for (const v1::OpLatency& op : *measured) RETURN_IF_ERROR(done(op));
    }
    return absl::OkStatus();
  }

  v1::FullSpeeds FullSpeeds(int threads) const override {
    const absl::MutexLock lock(&mutex_);
    const auto found = full_speeds_.find(threads);
    return found == full_speeds_.end() ? v1::FullSpeeds() : found->second;
  }

 private:
  // Runs something on the phone and adds what it gives to the evidence.
  using RunOnPhone = absl::FunctionRef<absl::Status(v1::Measurement& evidence)>;

  v1::RunnerRequest RequestFor(const MeasureRequest& request) const {
    v1::RunnerRequest made;
    made.set_format_version(1);
    made.set_threads(request.threads);
    made.set_batch(request.batch);
    for (int core : keeper_->cores()) made.add_cores(core);
    return made;
  }

  // Evidence of a run that the rules accept, after as many tries as it takes;
  // the last try's noise is accepted as noise.
  absl::StatusOr<v1::Measurement> RunAccepted(RunOnPhone run,
                                              const StopToken& stop) {
    for (int tried = 1;; ++tried) {
      ASSIGN_OR_RETURN(v1::Measurement evidence, RunOnce(run, stop));
      evidence.set_tries(tried);
      const AcceptanceResult judged = Judge(options_.rules, evidence);
      switch (judged.acceptance) {
        case Acceptance::kAccept:
          return evidence;
        case Acceptance::kCoolDown:
          return TooHotError(Named(judged.reason));
        case Acceptance::kMeasureAgain:
          if (tried >= options_.max_tries) return evidence;
          break;
        case Acceptance::kReject:
          if (tried < options_.max_tries) break;
          return absl::AbortedError(Named(
              absl::StrCat("changed while it was measured: ", judged.reason)));
      }
      LOG(DEBUG) << Named(judged.reason) << "; measuring again";
    }
  }

  absl::StatusOr<v1::Measurement> RunOnce(RunOnPhone run,
                                          const StopToken& stop) {
    v1::Measurement evidence;
    ASSIGN_OR_RETURN(*evidence.mutable_before(), keeper_->Conditions(stop));
    const AcceptanceResult start =
        JudgeStart(options_.rules, evidence.before(), /*cooling=*/false);
    if (start.acceptance != Acceptance::kAccept) {
      return TooHotError(Named(start.reason));
    }
    RETURN_IF_ERROR(run(evidence));
    ASSIGN_OR_RETURN(*evidence.mutable_after(), keeper_->Conditions(stop));
    return evidence;
  }

  absl::StatusOr<v1::Measurement> MeasureLeased(const v1::Package& package,
                                                const MeasureRequest& request,
                                                const StopToken& stop) {
    absl::StatusOr<v1::Measurement> measurement =
        options_.custom ? MeasureByCustom(package, request, stop)
                        : MeasureByRunner(package, request, stop);
    RETURN_IF_ERROR(measurement.status());
    measurement->set_device_id(Describe().id());
    measurement->set_device_fingerprint(Describe().fingerprint());
    measurement->set_threads(request.threads);
    measurement->set_batch(request.batch);
    for (int core : keeper_->cores()) measurement->add_cores(core);
    measurement->set_measured_at_ns(measurement->after().read_at_ns());
    return measurement;
  }

  absl::StatusOr<v1::Measurement> MeasureByRunner(const v1::Package& package,
                                                  const MeasureRequest& request,
                                                  const StopToken& stop) {
    v1::RunnerRequest asked = RequestFor(request);
    v1::MeasureWork& work = *asked.mutable_measure();
    RETURN_IF_ERROR(
        keeper_->runner()
            .Bring("package.fnpkg", quant::SerializePackage(package), stop)
            .status());
    work.set_package_file("../job/package.fnpkg");
    work.set_effort(ToProto(request.effort));
    const int reference = ReferenceSizeFor(package.architecture().input_size());
    work.set_reference_size(reference);
    work.set_full_speed_ns(FullSpeedFor(request, reference));
    work.set_sustained_s(request.sustained_s);
    const absl::Duration deadline = options_.runner_start + options_.measuring +
                                    absl::Seconds(request.sustained_s);
    RunnerAnswer answer;
    const auto run = [&](v1::Measurement& evidence) -> absl::Status {
      ASSIGN_OR_RETURN(answer, keeper_->runner().Ask(asked, deadline, stop));
      if (!answer.timing()) {
        return absl::AbortedError(Named("the runner gave no timing"));
      }
      RETURN_IF_ERROR(CheckTiming(*answer.timing()));
      evidence.MergeFrom(ToMeasurement(*answer.timing()));
      return absl::OkStatus();
    };
    ASSIGN_OR_RETURN(v1::Measurement measurement, RunAccepted(run, stop));
    KeepFullSpeed(request.threads, reference, answer.end().full_speed_ns());
    measurement.set_reference_size(reference);
    measurement.set_full_speed_ns(
        FullSpeedNs(FullSpeeds(request.threads), reference));
    measurement.set_runtime(answer.hello().runtime());
    if (answer.sustained()) {
      *measurement.mutable_sustained() = *answer.sustained();
    }
    return measurement;
  }

  absl::StatusOr<v1::Measurement> MeasureByCustom(const v1::Package& package,
                                                  const MeasureRequest& request,
                                                  const StopToken& stop) {
    const CustomRuntime& custom = *options_.custom;
    ASSIGN_OR_RETURN(const std::string model, options_.export_model(package));
    ASSIGN_OR_RETURN(const std::string path,
                     keeper_->runner().Bring("model", model, stop));
    const std::vector<std::string> command = custom.Command(
        {.model = path, .threads = request.threads, .cores = keeper_->cores()});
    const auto run = [&](v1::Measurement& evidence) -> absl::Status {
      std::vector<std::vector<int64_t>> runs;
      for (int i = 0; i < custom.runs(); ++i) {
        ASSIGN_OR_RETURN(const std::string output,
                         keeper_->adb().Shell(options_.serial, command,
                                              {.deadline = custom.deadline(),
                                               .stop = stop,
                                               .folder = kPhoneFolder}));
        ASSIGN_OR_RETURN(runs.emplace_back(), custom.SamplesNs(output));
      }
      evidence.MergeFrom(ReportedMeasurement(runs));
      return absl::OkStatus();
    };
    ASSIGN_OR_RETURN(v1::Measurement measurement, RunAccepted(run, stop));
    measurement.set_runtime(custom.config().name());
    return measurement;
  }

  absl::StatusOr<std::vector<v1::OpLatency>> ProfileLeased(
      absl::Span<const v1::OpKey> ops, const MeasureRequest& request,
      const StopToken& stop) {
    v1::RunnerRequest asked = RequestFor(request);
    v1::ProfileWork& work = *asked.mutable_profile();
    work.set_effort(ToProto(request.effort));
    const int reference = ReferenceSizeFor(request.input_size);
    work.set_reference_size(reference);
    work.set_full_speed_ns(FullSpeedFor(request, reference));
    for (const v1::OpKey& op : ops) *work.add_ops() = op;
    RunnerAnswer answer;
    const absl::Duration deadline =
        options_.runner_start + ops.size() * options_.measuring;
    const auto run = [&](v1::Measurement&) -> absl::Status {
      ASSIGN_OR_RETURN(answer, keeper_->runner().Ask(asked, deadline, stop));
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(RunAccepted(run, stop).status());
    const std::vector<v1::OpLatency>& measured = answer.ops();
    const bool same = std::equal(
        measured.begin(), measured.end(), ops.begin(), ops.end(),
        [](const v1::OpLatency& got, const v1::OpKey& wanted) {
          return got.median_ns() > 0 && got.error_ns() >= 0 &&
                 arch::OpKeyText(got.op()) == arch::OpKeyText(wanted);
        });
    if (!same) {
      return absl::AbortedError(
          Named("the runner answered for other operators"));
    }
    KeepFullSpeed(request.threads, reference, answer.end().full_speed_ns());
    return measured;
  }

  std::string Named(absl::string_view what) const {
    return absl::StrCat("phone ", options_.serial, ": ", what);
  }

  double FullSpeedFor(const MeasureRequest& request, int reference) const {
    const double given_ns = FullSpeedNs(request.full_speeds, reference);
    return given_ns > 0 ? given_ns
                        : FullSpeedNs(FullSpeeds(request.threads), reference);
  }
  // What was given or estimated last holds while this object lives, so that
  // results compare.
  void KeepFullSpeed(int threads, int reference, double ns) {
    const absl::MutexLock lock(&mutex_);
    if (ns > 0) (*full_speeds_[threads].mutable_ns())[reference] = ns;
  }

  const PhoneOptions options_;
  const std::unique_ptr<PhoneKeeper> keeper_;
  mutable absl::Mutex mutex_;
  // By threads.
  absl::flat_hash_map<int, v1::FullSpeeds> full_speeds_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<LatencyDevice>> OpenPhone(
    const PhoneOptions& options, Clock& clock, const StopToken& stop) {
  ASSIGN_OR_RETURN(auto keeper, PhoneKeeper::Open(options, clock, stop));
  return std::make_unique<PhoneDevice>(options, std::move(keeper));
}

}  // namespace frostnas::latency
