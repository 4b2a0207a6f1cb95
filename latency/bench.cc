#include "latency/bench.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "arch/graph.h"
#include "base/status_macros.h"
#include "latency/measure/sustained.h"
#include "latency/profile.h"
#include "latency/reference_network.h"
#include "quant/layer_params.h"

namespace frostnas::latency {
namespace {

// Ops whose rounds are shared.
constexpr int kGroup = 12;
constexpr uint64_t kSeed = 1;
constexpr absl::Duration kEstimate = absl::Seconds(1);
constexpr int kReferenceCopies = 3;

int CopiesOf(Effort effort) {
  switch (effort) {
    case Effort::kSmoke:
      return 1;
    case Effort::kQuick:
      return 3;
    case Effort::kFull:
      return 5;
  }
  return 1;
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
  state->input.resize(batch * quant::Elements(graph.input));
  // No kernel's time depends on values; a fixed pattern keeps them plain.
  for (size_t i = 0; i < state->input.size(); ++i) state->input[i] = i % 251;
  return [state, batch] { state->executor->RunQuantized(state->input, batch); };
}

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
      options.samples_per_round = 15;
      options.max_rounds = 36;
      options.max_time = absl::Seconds(2);
      break;
    case Effort::kFull:
      options.rounds = 15;
      options.samples_per_round = 25;
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

Bench::Bench(MakeExecutor make_executor, int reference_size,
             double full_speed_ns)
    : make_executor_(std::move(make_executor)),
      reference_size_(reference_size) {
  reference_.full_speed_ns = full_speed_ns;
}

absl::StatusOr<WorkCopies> Bench::MakeWork(
    const quant::QuantizedGraph& quantized, int batch, Effort effort) const {
  return MakeCopies(quantized, batch, CopiesOf(effort));
}

absl::StatusOr<WorkCopies> Bench::MakeCopies(
    const quant::QuantizedGraph& quantized, int batch, int count) const {
  WorkCopies copies;
  for (int i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(auto executor, make_executor_(quantized));
    copies.push_back(
        RunsOnFixedInput(std::move(executor), quantized.graph, batch));
  }
  return copies;
}

absl::StatusOr<WorkCopies> Bench::MakeRandomWork(const arch::Graph& graph,
                                                 int batch, int copies) const {
  return MakeCopies(quant::RandomQuantizedGraph(graph, kSeed), batch, copies);
}

absl::StatusOr<MeasureResult> Bench::Measure(const WorkCopies& work,
                                             Effort effort, Machine& machine,
                                             const StopToken& stop) {
  RETURN_IF_ERROR(PrepareReference(machine, stop));
  return latency::Measure({work}, reference_, NetworkOptions(effort), machine,
                          stop);
}

absl::Status Bench::ProfileOps(absl::Span<const v1::OpKey> ops,
                               const MeasureRequest& request, Machine& machine,
                               const OpCallback& done, const StopToken& stop) {
  RETURN_IF_ERROR(PrepareReference(machine, stop));
  return latency::ProfileOps(
      ops, kGroup,
      [&](const arch::Graph& graph) {
        return MakeRandomWork(graph, request.batch, /*copies=*/1);
      },
      [&](absl::Span<const WorkCopies> works) {
        return latency::Measure(works, reference_, OpOptions(request.effort),
                                machine, stop);
      },
      done);
}

absl::Status Bench::PrepareReference(Machine& machine, const StopToken& stop) {
  if (reference_.copies.empty()) {
    ASSIGN_OR_RETURN(
        const arch::Graph graph,
        arch::ExpandArchitecture(ReferenceArchitecture(reference_size_)));
    ASSIGN_OR_RETURN(reference_.copies,
                     MakeRandomWork(graph, /*batch=*/1, kReferenceCopies));
  }
  if (reference_.full_speed_ns > 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      reference_.full_speed_ns,
      EstimateFullSpeedNs(reference_.copies, kEstimate, machine, stop));
  return absl::OkStatus();
}

absl::StatusOr<v1::SustainedLatency> MeasureSustained(const Work& work,
                                                      absl::Duration duration,
                                                      Machine& machine,
                                                      const StopToken& stop) {
  ASSIGN_OR_RETURN(const Sustained sustained,
                   Sustain(work, {.duration = duration}, machine, stop));
  v1::SustainedLatency latency;
  latency.set_duration_s(absl::ToDoubleSeconds(duration));
  latency.set_cold_ns(std::llround(sustained.cold_ns));
  latency.set_hot_ns(std::llround(sustained.hot_ns));
  for (double ns : sustained.course_ns) {
    latency.add_course_ns(std::llround(ns));
  }
  return latency;
}

}  // namespace frostnas::latency
