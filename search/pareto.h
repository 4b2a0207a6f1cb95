// Which trials are worth keeping: the front of two objectives, and one number
// for how good a front is.
//
// Accuracy is a fraction to be maximised, latency nanoseconds to be minimised.
// A point dominates another when it is no worse in both objectives and better
// in one. Points equal in both objectives do not dominate each other; of such
// twins the front keeps the one with the smallest id, so that a front is a set
// of different trade-offs and does not depend on the order of its input.
//
// Values that are not finite, accuracies outside [0, 1] and negative latencies
// are bugs of the caller: measured results were checked when they were stored.
//
// Thread-safe: no state.
#ifndef FROSTNAS_SEARCH_PARETO_H_
#define FROSTNAS_SEARCH_PARETO_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace frostnas::search {

// What two objectives need of a trial.
struct ObjectivePoint {
  int id = 0;
  double accuracy = 0;     // fraction, larger is better
  int64_t latency_ns = 0;  // smaller is better
  friend bool operator==(const ObjectivePoint&,
                         const ObjectivePoint&) = default;
};

// Non-dominated points by rising latency (and so by rising accuracy).
// O(n log n).
std::vector<ObjectivePoint> ParetoFront(
    absl::Span<const ObjectivePoint> points);

// The corner that a hypervolume is measured from.
struct ReferencePoint {
  double accuracy = 0;
  double latency_ns = 0;
};

// Accuracy 0 and 1.1 times the largest latency of `points`: every measured
// point then counts, the slowest one too. Zero latency for no points.
ReferencePoint DefaultReference(absl::Span<const ObjectivePoint> points);

// Area that the front of `points` dominates up to `reference`, as a share of
// reference.latency_ns * 1.0 (perfect accuracy in no time): 0..1. Points on
// the wrong side of the reference add nothing. 0 for a reference latency of 0.
double Hypervolume(absl::Span<const ObjectivePoint> points,
                   const ReferencePoint& reference);

// The most accurate point of each latency band, by rising latency: `points` by
// rising latency are cut into at most `bands` (> 0) groups as equally large as
// can be. Twins as in ParetoFront.
std::vector<ObjectivePoint> MostAccurateOfBands(
    absl::Span<const ObjectivePoint> points, int bands);

// Non-domination rank of every point, in the order given: 0 for the front, 1
// for the front of the rest, and so on (NSGA-II's sorting). Twins share a
// rank. O(n log n).
std::vector<int> NonDominatedRanks(absl::Span<const ObjectivePoint> points);

// NSGA-II's crowding distance within each rank, in the order given: the ends
// of a rank get infinity, others the normalised perimeter of the box spanned by
// their neighbours.
std::vector<double> CrowdingDistances(absl::Span<const ObjectivePoint> points,
                                      absl::Span<const int> ranks);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_PARETO_H_
