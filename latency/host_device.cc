#include "latency/host_device.h"

#include <cmath>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "latency/bench.h"
#include "latency/measure/affinity.h"
#include "latency/measure/host_description.h"
#include "latency/measure/machine.h"
#include "latency/reference_network.h"
#include "latency/samples_digest.h"
#include "nn/threads.h"
#include "quant/executor.h"
#include "quant/package.h"
#include "quant/quantized_graph.h"

namespace frostnas::latency {
namespace {

v1::Measurement ToMeasurement(const MeasureResult& result) {
  const WorkTiming& timing = result.works.front();
  v1::Measurement measurement;
  measurement.set_median_ns(std::llround(timing.median_ns));
  measurement.set_p90_ns(std::llround(timing.p90_ns));
  measurement.set_ci_low_ns(std::llround(timing.ci_low_ns));
  measurement.set_ci_high_ns(std::llround(timing.ci_high_ns));
  measurement.set_samples(static_cast<int>(timing.samples_ns.size()));
  measurement.set_rejected_rounds(result.rejected_rounds);
  measurement.set_drift(result.drift);
  measurement.set_slope(result.slope);
  measurement.set_placement(timing.placement);
  measurement.set_samples_sha256(SamplesDigest(timing.samples_ns));
  measurement.set_verdict(result.noisy ? v1::MEASUREMENT_VERDICT_NOISY
                                       : v1::MEASUREMENT_VERDICT_ACCEPTED);
  return measurement;
}

// What a measurement holds while it runs, on the thread that runs it.
class Seat {
 public:
  explicit Seat(int threads)
      : threads_(threads),
        pin_(threads == 1 ? ChooseCore() : -1),
        machine_(CreateHostMachine(pin_.core())) {}

  int core() const { return pin_.core(); }
  Machine& machine() { return *machine_; }

 private:
  nn::ScopedComputeThreads threads_;
  ScopedPin pin_;
  std::unique_ptr<Machine> machine_;
};

class HostDevice final : public LatencyDevice {
 public:
  explicit HostDevice(Clock& clock) : clock_(clock), device_(DescribeHost()) {}

  const v1::Device& Describe() const override { return device_; }

  absl::StatusOr<v1::Measurement> Measure(const v1::Package& package,
                                          const MeasureRequest& request,
                                          const StopToken& stop) override {
    RETURN_IF_ERROR(CheckRequest(request));
    ASSIGN_OR_RETURN(const quant::QuantizedGraph quantized,
                     quant::QuantizedGraphOf(package));
    const absl::MutexLock lock(&mutex_);
    Seat seat(request.threads);
    const int reference_size = ReferenceSizeFor(quantized.graph.input.size);
    Bench& bench = BenchOf(request, reference_size);
    ASSIGN_OR_RETURN(const WorkCopies work,
                     bench.MakeWork(quantized, request.batch, request.effort));
    ASSIGN_OR_RETURN(const MeasureResult result,
                     bench.Measure(work, request.effort, seat.machine(), stop));
    v1::Measurement measurement = ToMeasurement(result);
    if (request.sustained_s > 0) {
      ASSIGN_OR_RETURN(
          *measurement.mutable_sustained(),
          MeasureSustained(work[0], absl::Seconds(request.sustained_s),
                           seat.machine(), stop));
    }
    measurement.set_device_id(device_.id());
    measurement.set_device_fingerprint(device_.fingerprint());
    measurement.set_reference_size(reference_size);
    measurement.set_full_speed_ns(bench.full_speed_ns());
    measurement.set_threads(request.threads);
    measurement.set_batch(request.batch);
    measurement.set_core(seat.core());
    measurement.set_measured_at_ns(absl::ToUnixNanos(clock_.Now()));
    return measurement;
  }

  absl::Status ProfileOps(absl::Span<const v1::OpKey> ops,
                          const MeasureRequest& request, const OpCallback& done,
                          const StopToken& stop) override {
    RETURN_IF_ERROR(CheckRequest(request));
    const absl::MutexLock lock(&mutex_);
    Seat seat(request.threads);
    return BenchOf(request, ReferenceSizeFor(request.input_size))
        .ProfileOps(ops, request, seat.machine(), done, stop);
  }

  v1::FullSpeeds FullSpeeds(int threads) const override {
    const absl::MutexLock lock(&mutex_);
    v1::FullSpeeds speeds;
    for (const auto& [kind, bench] : benches_) {
      if (kind.threads != threads || bench.full_speed_ns() == 0) continue;
      (*speeds.mutable_ns())[kind.reference_size] = bench.full_speed_ns();
    }
    return speeds;
  }

 private:
  struct BenchKind {
    int threads;
    int reference_size;
    auto operator<=>(const BenchKind&) const = default;
  };

  // Kept, so that all results are stated at the same full speed.
  Bench& BenchOf(const MeasureRequest& request, int reference_size)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Bench& bench = benches_
                       .try_emplace(
                           BenchKind{request.threads, reference_size},
                           [](const quant::QuantizedGraph& quantized) {
                             return quant::CreateOnednnExecutor(quantized);
                           },
                           reference_size)
                       .first->second;
    const double given_ns = FullSpeedNs(request.full_speeds, reference_size);
    if (given_ns > 0) bench.set_full_speed_ns(given_ns);
    return bench;
  }

  Clock& clock_;
  const v1::Device device_;
  mutable absl::Mutex mutex_;
  std::map<BenchKind, Bench> benches_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<LatencyDevice> CreateHostDevice(Clock& clock) {
  return std::make_unique<HostDevice>(clock);
}

}  // namespace frostnas::latency
