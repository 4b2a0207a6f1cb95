#include "latency/host_device.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "arch/graph.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "latency/measure/affinity.h"
#include "latency/measure/host_description.h"
#include "latency/measure/machine.h"
#include "latency/profile.h"
#include "nn/threads.h"
#include "quant/executor.h"
#include "quant/package.h"
#include "quant/quantized_graph.h"

namespace frostnas::latency {
namespace {

// Ops whose rounds are shared.
constexpr int kGroup = 12;
constexpr uint64_t kSeed = 1;
constexpr absl::Duration kEstimate = absl::Seconds(1);

// A small network with the kinds of layers that spaces have; about 5 million
// multiply-adds. Changing it changes what full speed means.
v1::Architecture ReferenceArchitecture() {
  v1::Architecture architecture;
  architecture.set_name("latency_reference");
  architecture.set_input_size(32);
  architecture.set_input_channels(3);
  architecture.set_num_classes(10);
  const auto add = [&](const std::string& name) {
    v1::Block* block = architecture.add_blocks();
    block->set_name(name);
    return block;
  };
  v1::ConvBlock* stem = add("stem")->mutable_conv();
  stem->set_out_channels(16);
  stem->set_kernel(3);
  stem->set_stride(2);
  stem->set_activation(v1::ACTIVATION_RELU);
  int index = 0;
  for (const auto& [channels, stride] : std::vector<std::pair<int, int>>{
           {24, 1}, {24, 1}, {48, 2}, {48, 1}, {96, 2}, {96, 1}, {160, 2}}) {
    v1::FrostBlock* block = add(absl::StrCat("b", ++index))->mutable_frost();
    block->set_out_channels(channels);
    block->set_kernel(index % 2 == 0 ? 5 : 3);
    block->set_stride(stride);
    block->set_expansion(4);
    block->set_reduction(4);
  }
  add("top")->mutable_classifier()->set_pool(v1::GLOBAL_POOL_AVERAGE);
  return architecture;
}

// Runs `executor` on fixed input. Shared, so that a Work can be copied.
Work RunsOnFixedInput(std::unique_ptr<quant::Executor> executor,
                      const arch::Graph& graph, int batch) {
  struct State {
    std::unique_ptr<quant::Executor> executor;
    std::vector<uint8_t> input;
  };
  auto state = std::make_shared<State>();
  state->executor = std::move(executor);
  state->input.resize(int64_t{batch} * graph.input.size * graph.input.size *
                      graph.input.channels);
  // No kernel's time depends on values; a fixed pattern keeps them plain.
  for (size_t i = 0; i < state->input.size(); ++i) state->input[i] = i % 251;
  return [state, batch] { state->executor->RunQuantized(state->input, batch); };
}

absl::StatusOr<Work> RandomWork(const arch::Graph& graph, int batch) {
  ASSIGN_OR_RETURN(
      auto executor,
      quant::CreateOnednnExecutor(quant::RandomQuantizedGraph(graph, kSeed)));
  return RunsOnFixedInput(std::move(executor), graph, batch);
}

std::string SamplesDigest(const std::vector<int64_t>& samples_ns) {
  std::string bytes;
  for (int64_t ns : samples_ns) {
    for (int shift = 0; shift < 64; shift += 8) {
      bytes.push_back(static_cast<char>(ns >> shift & 0xff));
    }
  }
  return Sha256Hex(bytes);
}

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
  measurement.set_samples_sha256(SamplesDigest(timing.samples_ns));
  measurement.set_verdict(result.noisy ? v1::MEASUREMENT_VERDICT_NOISY
                                       : v1::MEASUREMENT_VERDICT_ACCEPTED);
  return measurement;
}

// What a measurement holds while it runs, on the thread that runs it.
class Bench {
 public:
  explicit Bench(int threads)
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
    ASSIGN_OR_RETURN(const arch::Graph graph, quant::ValidatePackage(package));
    const absl::MutexLock lock(&mutex_);
    Bench bench(request.threads);
    ASSIGN_OR_RETURN(auto executor, quant::CreateOnednnExecutor(package));
    const Work work =
        RunsOnFixedInput(std::move(executor), graph, request.batch);
    ASSIGN_OR_RETURN(const Reference* reference,
                     GetReference(bench, request.threads, stop));
    ASSIGN_OR_RETURN(
        const MeasureResult result,
        latency::Measure({work}, *reference, NetworkOptions(request.effort),
                         bench.machine(), stop));
    v1::Measurement measurement = ToMeasurement(result);
    measurement.set_device_id(device_.id());
    measurement.set_device_fingerprint(device_.fingerprint());
    measurement.set_threads(request.threads);
    measurement.set_batch(request.batch);
    measurement.set_core(bench.core());
    measurement.set_measured_at_ns(absl::ToUnixNanos(clock_.Now()));
    return measurement;
  }

  absl::Status ProfileOps(absl::Span<const v1::OpKey> ops,
                          const MeasureRequest& request, const OpCallback& done,
                          const StopToken& stop) override {
    RETURN_IF_ERROR(CheckRequest(request));
    const absl::MutexLock lock(&mutex_);
    Bench bench(request.threads);
    ASSIGN_OR_RETURN(const Reference* reference,
                     GetReference(bench, request.threads, stop));
    return latency::ProfileOps(
        ops, kGroup,
        [&](const arch::Graph& graph) {
          return RandomWork(graph, request.batch);
        },
        [&](absl::Span<const Work> works) {
          return latency::Measure(works, *reference, OpOptions(request.effort),
                                  bench.machine(), stop);
        },
        done);
  }

 private:
  // The reference on `threads` threads; made at the first use.
  absl::StatusOr<const Reference*> GetReference(Bench& bench, int threads,
                                                const StopToken& stop)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Reference& reference = references_[threads];
    if (reference.full_speed_ns > 0) return &reference;
    ASSIGN_OR_RETURN(const arch::Graph graph,
                     arch::ExpandArchitecture(ReferenceArchitecture()));
    ASSIGN_OR_RETURN(reference.run, RandomWork(graph, 1));
    ASSIGN_OR_RETURN(
        reference.full_speed_ns,
        EstimateFullSpeedNs(reference.run, kEstimate, bench.machine(), stop));
    return &reference;
  }

  Clock& clock_;
  const v1::Device device_;
  absl::Mutex mutex_;
  absl::flat_hash_map<int, Reference> references_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

MeasureOptions NetworkOptions(Effort effort) {
  MeasureOptions options;
  switch (effort) {
    case Effort::kSmoke:
      options.rounds = 6;
      options.samples_per_round = 9;
      options.max_rounds = 12;
      options.max_time = absl::Milliseconds(500);
      break;
    case Effort::kQuick:
      options.rounds = 9;
      options.samples_per_round = 25;
      options.max_rounds = 36;
      options.max_time = absl::Seconds(2);
      break;
    case Effort::kFull:
      options.rounds = 15;
      options.samples_per_round = 40;
      options.max_rounds = 60;
      options.max_time = absl::Seconds(6);
      break;
  }
  return options;
}

MeasureOptions OpOptions(Effort effort) {
  MeasureOptions options = NetworkOptions(effort);
  options.warm_up = absl::Milliseconds(1);
  options.samples_per_round = effort == Effort::kSmoke ? 9 : 15;
  // A table's entry carries its error; rounds are better spent on more ops.
  options.max_spread = 0.05;
  options.max_rounds = 2 * options.rounds;
  return options;
}

std::unique_ptr<LatencyDevice> CreateHostDevice(Clock& clock) {
  return std::make_unique<HostDevice>(clock);
}

}  // namespace frostnas::latency
