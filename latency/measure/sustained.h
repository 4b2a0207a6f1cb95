// What becomes of a time under load: work without a pause, from the first call
// to a steady heat.
//
// All times are nanoseconds a call, as they were: neither set right by a
// reference nor picked, because slowness is what is looked for.
// CANCELLED: the stop token asked.
#ifndef FROSTNAS_LATENCY_MEASURE_SUSTAINED_H_
#define FROSTNAS_LATENCY_MEASURE_SUSTAINED_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/stop.h"
#include "latency/measure/machine.h"
#include "latency/measure/measure.h"

namespace frostnas::latency {

struct SustainOptions {
  absl::Duration duration;  // > 0 (CHECK)
  // Equal parts of that time, at least 10 and a multiple of it (CHECK).
  int parts = 20;
  // Consecutive calls make up a sample of at least this, and more where a part
  // would have more than ten thousand.
  absl::Duration sample = absl::Microseconds(100);
};

struct Sustained {
  // Median of each part's samples, in order. A sample counts in every part that
  // it lies in, so that none is empty however long a call takes.
  std::vector<double> course_ns;
  // Medians over the first and the last tenth.
  double cold_ns = 0;
  double hot_ns = 0;
};

absl::StatusOr<Sustained> Sustain(const Work& work,
                                  const SustainOptions& options,
                                  Machine& machine, const StopToken& stop);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_MEASURE_SUSTAINED_H_
