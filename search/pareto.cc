#include "search/pareto.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

namespace frostnas::search {
namespace {

// Fast first; of equally fast ones the accurate first; twins by id.
bool FasterFirst(const ObjectivePoint& a, const ObjectivePoint& b) {
  return std::make_tuple(a.latency_ns, -a.accuracy, a.id) <
         std::make_tuple(b.latency_ns, -b.accuracy, b.id);
}

std::vector<int> OrderFasterFirst(absl::Span<const ObjectivePoint> points) {
  std::vector<int> order(points.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int a, int b) { return FasterFirst(points[a], points[b]); });
  return order;
}

bool Twins(const ObjectivePoint& a, const ObjectivePoint& b) {
  return a.latency_ns == b.latency_ns && a.accuracy == b.accuracy;
}

// Adds the distances of one rank's members, given by rising latency.
void AddCrowding(absl::Span<const ObjectivePoint> points,
                 absl::Span<const int> members,
                 std::vector<double>& distances) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const ObjectivePoint& first = points[members.front()];
  const ObjectivePoint& last = points[members.back()];
  const double latency_range =
      static_cast<double>(last.latency_ns - first.latency_ns);
  const double accuracy_range = last.accuracy - first.accuracy;
  for (size_t i = 0; i < members.size(); ++i) {
    if (i == 0 || i + 1 == members.size()) {
      distances[members[i]] = kInfinity;
      continue;
    }
    const ObjectivePoint& before = points[members[i - 1]];
    const ObjectivePoint& after = points[members[i + 1]];
    if (latency_range > 0) {
      distances[members[i]] +=
          static_cast<double>(after.latency_ns - before.latency_ns) /
          latency_range;
    }
    if (accuracy_range > 0) {
      distances[members[i]] +=
          (after.accuracy - before.accuracy) / accuracy_range;
    }
  }
}

}  // namespace

std::vector<ObjectivePoint> ParetoFront(
    absl::Span<const ObjectivePoint> points) {
  std::vector<ObjectivePoint> sorted(points.begin(), points.end());
  std::sort(sorted.begin(), sorted.end(), FasterFirst);
  std::vector<ObjectivePoint> front;
  for (const ObjectivePoint& point : sorted) {
    if (front.empty() || point.accuracy > front.back().accuracy) {
      front.push_back(point);
    }
  }
  return front;
}

ReferencePoint DefaultReference(absl::Span<const ObjectivePoint> points) {
  ReferencePoint reference;
  for (const ObjectivePoint& point : points) {
    reference.latency_ns = std::max(
        reference.latency_ns, 1.1 * static_cast<double>(point.latency_ns));
  }
  return reference;
}

double Hypervolume(absl::Span<const ObjectivePoint> points,
                   const ReferencePoint& reference) {
  if (reference.latency_ns <= 0) return 0;
  double area = 0;
  double reached = reference.accuracy;
  for (const ObjectivePoint& point : ParetoFront(points)) {
    const double width =
        reference.latency_ns - static_cast<double>(point.latency_ns);
    if (width <= 0) break;
    if (point.accuracy <= reached) continue;
    area += width * (point.accuracy - reached);
    reached = point.accuracy;
  }
  return area / reference.latency_ns;
}

std::vector<ObjectivePoint> MostAccurateOfBands(
    absl::Span<const ObjectivePoint> points, int bands) {
  const std::vector<int> order = OrderFasterFirst(points);
  const size_t count = std::min(order.size(), static_cast<size_t>(bands));
  std::vector<ObjectivePoint> best;
  for (size_t band = 0; band < count; ++band) {
    const auto begin = order.begin() + order.size() * band / count;
    const auto end = order.begin() + order.size() * (band + 1) / count;
    // The first of equally accurate ones is the fastest.
    best.push_back(points[*std::max_element(begin, end, [&](int a, int b) {
      return points[a].accuracy < points[b].accuracy;
    })]);
  }
  return best;
}

std::vector<int> NonDominatedRanks(absl::Span<const ObjectivePoint> points) {
  std::vector<int> ranks(points.size(), 0);
  // By rising latency a point is dominated exactly by those ranks whose best
  // accuracy so far is no worse; these bests fall with the rank, so the first
  // rank that does not dominate is found by bisection.
  std::vector<double> best;
  const std::vector<int> order = OrderFasterFirst(points);
  for (size_t i = 0; i < order.size(); ++i) {
    const ObjectivePoint& point = points[order[i]];
    if (i > 0 && Twins(points[order[i - 1]], point)) {
      ranks[order[i]] = ranks[order[i - 1]];
      continue;
    }
    const auto rank = std::partition_point(
        best.begin(), best.end(),
        [&](double accuracy) { return accuracy >= point.accuracy; });
    ranks[order[i]] = static_cast<int>(rank - best.begin());
    if (rank == best.end()) {
      best.push_back(point.accuracy);
    } else {
      *rank = point.accuracy;
    }
  }
  return ranks;
}

std::vector<double> CrowdingDistances(absl::Span<const ObjectivePoint> points,
                                      absl::Span<const int> ranks) {
  std::vector<double> distances(points.size(), 0);
  std::vector<std::vector<int>> members;
  for (int index : OrderFasterFirst(points)) {
    const size_t rank = static_cast<size_t>(ranks[index]);
    if (rank >= members.size()) members.resize(rank + 1);
    members[rank].push_back(index);
  }
  for (const std::vector<int>& rank : members) {
    if (!rank.empty()) AddCrowding(points, rank, distances);
  }
  return distances;
}

}  // namespace frostnas::search
