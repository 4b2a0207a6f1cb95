// Measures INT8 networks and operators on the machine this program runs on, by
// any executor: what the host device and the phone runner have in common.
//
// CANCELLED: `stop`. UNAVAILABLE: see measure/measure.h.
#ifndef FROSTNAS_LATENCY_BENCH_H_
#define FROSTNAS_LATENCY_BENCH_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/stop.h"
#include "latency/device.h"
#include "latency/measure/machine.h"
#include "latency/measure/measure.h"
#include "proto/frostnas/v1/measurement.pb.h"
#include "quant/executor.h"
#include "quant/quantized_graph.h"

namespace frostnas::latency {

// What an effort means for whole networks, and for the ops of a group. On a
// quiet machine a network takes about 0.05, 0.2 or 0.6 s, an op 0.01, 0.03 or
// 0.04 s.
MeasureOptions NetworkOptions(Effort effort);
MeasureOptions OpOptions(Effort effort);

using MakeExecutor =
    std::function<absl::StatusOr<std::unique_ptr<quant::Executor>>(
        const quant::QuantizedGraph& quantized)>;

// One executor on one number of threads, which run on the cores of the calling
// thread. The reference is a fixed network on the same executor, at batch 1.
// What is measured should have its reference's size (reference_network.h).
//
// Thread-compatible.
class Bench {
 public:
  // `full_speed_ns`: of the reference, from an earlier bench of the same kind,
  // so that results of both compare; 0: it is estimated when first needed,
  // which takes a second.
  Bench(MakeExecutor make_executor, int reference_size,
        double full_speed_ns = 0);

  // Runs `quantized` on `batch` fixed images, in as many copies as the effort
  // takes. Errors of the executor.
  absl::StatusOr<WorkCopies> MakeWork(const quant::QuantizedGraph& quantized,
                                      int batch, Effort effort) const;

  absl::StatusOr<MeasureResult> Measure(const WorkCopies& work, Effort effort,
                                        Machine& machine,
                                        const StopToken& stop);

  // As LatencyDevice::ProfileOps.
  absl::Status ProfileOps(absl::Span<const v1::OpKey> ops,
                          const MeasureRequest& request, Machine& machine,
                          const OpCallback& done, const StopToken& stop);

  // 0: not estimated yet.
  double full_speed_ns() const { return reference_.full_speed_ns; }
  void set_full_speed_ns(double ns) { reference_.full_speed_ns = ns; }

 private:
  absl::StatusOr<WorkCopies> MakeCopies(const quant::QuantizedGraph& quantized,
                                        int batch, int count) const;
  absl::StatusOr<WorkCopies> MakeRandomWork(const arch::Graph& graph, int batch,
                                            int copies) const;
  absl::Status PrepareReference(Machine& machine, const StopToken& stop);

  const MakeExecutor make_executor_;
  const int reference_size_;
  Reference reference_;
};

// Runs `work` without a pause for `duration` > 0.
absl::StatusOr<v1::SustainedLatency> MeasureSustained(const Work& work,
                                                      absl::Duration duration,
                                                      Machine& machine,
                                                      const StopToken& stop);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_BENCH_H_
