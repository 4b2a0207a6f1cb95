// Start here: how a time is measured, by what rules it counts, and what it
// says about itself. docs/latency.md has the reasons.
//
// Several pieces of work are measured together. A round visits all of them
// and the reference work in turn, many times; rounds follow one another until
// enough of them were undisturbed and agree. So all pieces see the same phases
// of the machine, and a slow phase shows in the reference.
//
//   sample   consecutive calls of one piece, at least options.sample long,
//            divided by their number; void when the thread was preempted
//   round    samples_per_round samples of each piece and of the reference;
//            its value for a piece is their median
//   disturbed round: fewer than half of some piece's samples were valid, the
//            hypervisor took time, or the reference ran more than max_drift
//            slower than the fastest it is known to run
//   result   median over the rounds; its 95 % interval by order statistics of
//            the rounds, because samples within a round are not independent
//   accepted: `rounds` undisturbed rounds, and every piece's half interval
//            within max_spread of its median; else another round
//   noisy    max_rounds are over first; the least disturbed rounds stand in
//
// All times are nanoseconds a call. CANCELLED: the stop token asked.
// UNAVAILABLE: not one sample was valid in any round.
// Thread-compatible; the calling thread runs the work.
#ifndef FROSTNAS_LATENCY_MEASURE_MEASURE_H_
#define FROSTNAS_LATENCY_MEASURE_MEASURE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/stop.h"
#include "latency/measure/machine.h"

namespace frostnas::latency {

using Work = std::function<void()>;

struct MeasureOptions {
  // Each piece runs at least this long before the first sample, and on until
  // two successive runs agree within 10 % (at most ten times as long).
  absl::Duration warm_up = absl::Milliseconds(10);
  absl::Duration sample = absl::Microseconds(100);
  int samples_per_round = 25;
  // Undisturbed rounds behind a result. Six or more give a 95 % interval.
  int rounds = 9;
  int max_rounds = 36;
  // Largest half width of the interval over the median.
  double max_spread = 0.02;
  // How much slower than its best the reference may run in a round.
  double max_drift = 0.05;
  // Wait after a disturbed round.
  absl::Duration pause = absl::Milliseconds(10);
};

// The reference's fastest round so far, nanoseconds; 0: none. Belongs to a
// machine and outlives single measurements, so that a measurement made
// wholly within a slow phase can be told.
struct ReferenceBaseline {
  double best_ns = 0;
};

// One piece of work's share of a measurement.
struct WorkTiming {
  // Valid samples of the rounds behind the result, in order of time, rounded.
  std::vector<int64_t> samples_ns;
  double median_ns = 0;
  // 90th percentile of samples_ns.
  double p90_ns = 0;
  double ci_low_ns = 0;
  double ci_high_ns = 0;
};

struct MeasureResult {
  std::vector<WorkTiming> works;  // as the works were given
  bool noisy = false;
  // Rounds measured that are not behind the result.
  int rejected_rounds = 0;
  // Slowest over fastest reference of the rounds behind the result, minus 1.
  double drift = 0;
  // Median of the reference over those rounds.
  double reference_ns = 0;
};

// Measures `works` beside `reference`. At least one work; counts in the
// options at least 1, max_rounds >= rounds (CHECK).
struct MeasureInput {
  absl::Span<const Work> works;
  const Work& reference;
};
absl::StatusOr<MeasureResult> Measure(const MeasureInput& input,
                                      const MeasureOptions& options,
                                      Machine& machine,
                                      ReferenceBaseline& baseline,
                                      const StopToken& stop);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_MEASURE_MEASURE_H_
