// Start here: how a time is measured, by what rules it counts, and what it
// says about itself. docs/latency.md has the reasons.
//
// Several pieces of work are measured together, in rounds, which follow one
// another until enough of them were undisturbed and agree. A round takes
// samples of each piece, with runs of a fixed reference between them. A shared
// or throttled machine runs the reference and the work beside it slower by
// nearly the same factor, so a sample counts by its ratio to the reference
// before it, and the result is stated at the reference's full speed. And where
// its memory lies makes the same piece a percent or two faster or slower for as
// long as it lives; so a piece may have several copies, made one after the
// other, whose samples a round takes one copy after the other, and the
// reference's copies run in turn.
//
//   sample   consecutive calls of one copy, at least options.sample long,
//            divided by their number; void when the thread was preempted;
//            times full speed over the reference before it. Two follow each
//            reference, which is twice as long, after a call that does not
//            count
//   round    its value for a piece is the mean over its copies of the median of
//            their samples
//   disturbed round: fewer than half of some copy's samples were valid, the
//            hypervisor took time, or the reference's median was over
//            (1 + max_drift) times full speed: a ratio bears no more
//   result   median over the rounds; its 95 % interval by order statistics of
//            the rounds, because samples within a round are not independent
//   accepted: `rounds` undisturbed rounds, and every piece's half interval
//            within max_spread of its median; else another round
//   noisy    max_rounds or max_time are over first; the least disturbed rounds
//            stand in
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
// The same work in different memory; at least one.
using WorkCopies = std::vector<Work>;

struct MeasureOptions {
  // Each piece runs at least this long before the first sample, and on until
  // two successive runs agree within 10 % (at most ten times as long).
  absl::Duration warm_up = absl::Milliseconds(10);
  absl::Duration sample = absl::Microseconds(100);
  // Of each copy; fewer, but three at least, where `rounds` would not fit into
  // max_time otherwise.
  int samples_per_round = 25;
  // Undisturbed rounds behind a result. Six or more give a 95 % interval.
  int rounds = 9;
  int max_rounds = 36;
  // Beyond the first `rounds`, none starts later than this after the first, so
  // that a busy machine costs time in bounds.
  absl::Duration max_time = absl::Seconds(2);
  // Largest half width of the interval over the median.
  double max_spread = 0.025;
  // How much slower than full speed the reference may run in a round.
  double max_drift = 0.3;
  // Wait after a disturbed round.
  absl::Duration pause = absl::Milliseconds(10);
};

// One piece of work's share of a measurement.
struct WorkTiming {
  // Valid samples of the rounds behind the result, one copy after the other in
  // each, at full speed, rounded.
  std::vector<int64_t> samples_ns;
  double median_ns = 0;
  // 90th percentile of samples_ns.
  double p90_ns = 0;
  double ci_low_ns = 0;
  double ci_high_ns = 0;
  // Slowest over fastest copy, minus 1.
  double placement = 0;
};

struct MeasureResult {
  std::vector<WorkTiming> works;  // as the works were given
  bool noisy = false;
  // Rounds measured that are not behind the result.
  int rejected_rounds = 0;
  // Slowest over fastest reference of the rounds behind the result, minus 1.
  double drift = 0;
  // Median over those rounds of the reference over its full speed.
  double slowdown = 0;
  // Relative growth of the reference's time from the first to the last third
  // of all rounds measured, medians of both: a machine that throttles. 0 with
  // fewer than two rounds.
  double slope = 0;
};

// Fixed work and the time it takes at full speed, > 0 (CHECK). Results compare
// only between measurements with the same reference and full speed.
struct Reference {
  WorkCopies copies;
  double full_speed_ns = 0;
};

// Measures `works`, at least one. Counts in the options are at least 1 and
// max_rounds >= rounds (CHECK).
absl::StatusOr<MeasureResult> Measure(absl::Span<const WorkCopies> works,
                                      const Reference& reference,
                                      const MeasureOptions& options,
                                      Machine& machine, const StopToken& stop);

// Time of `reference` when nothing slows it down, nanoseconds: a low quantile
// of single runs, because disturbances only add, over `duration`; the mean of
// the copies'. Estimate once and keep the number, or repeated results differ by
// the estimate's error.
absl::StatusOr<double> EstimateFullSpeedNs(const WorkCopies& reference,
                                           absl::Duration duration,
                                           Machine& machine,
                                           const StopToken& stop);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_MEASURE_MEASURE_H_
