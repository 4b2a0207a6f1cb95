#include "search/strategies/derivation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "search/supernet/gates.h"

namespace frostnas::search {
namespace {

constexpr int kUnits = 2000;
constexpr double kImpossible = -std::numeric_limits<double>::infinity();

// Latency of each candidate above its slot's cheapest, in units rounded up.
std::vector<std::vector<int>> ExtraUnits(
    const latency::ExpectedLatency& latency, double unit_ns) {
  std::vector<std::vector<int>> extra;
  for (const std::vector<double>& row : latency.GradientByProbability()) {
    const double cheapest = *std::min_element(row.begin(), row.end());
    std::vector<int>& units = extra.emplace_back();
    for (double ns : row) {
      const double above = ns - cheapest;
      const double count =
          above <= 0 ? 0 : std::ceil(above / unit_ns * (1 - 1e-12));
      units.push_back(static_cast<int>(std::min<double>(count, kUnits + 1)));
    }
  }
  return extra;
}

}  // namespace

std::optional<std::vector<int>> BestPathUnder(
    const latency::SlotValues& scores, const latency::ExpectedLatency& latency,
    double limit_ns) {
  const double room = limit_ns - latency.MinNs();
  if (room < 0) return std::nullopt;
  const double unit_ns = std::max(room / kUnits, 1e-9);
  const auto extra = ExtraUnits(latency, unit_ns);
  CHECK_EQ(scores.size(), extra.size());
  // best[u]: largest score of the slots so far with at most u units.
  std::vector<double> best(kUnits + 1, 0.0);
  std::vector<std::vector<int>> taken(scores.size());
  for (size_t s = 0; s < scores.size(); ++s) {
    std::vector<double> next(kUnits + 1, kImpossible);
    taken[s].assign(kUnits + 1, -1);
    for (int u = 0; u <= kUnits; ++u) {
      for (size_t k = 0; k < extra[s].size(); ++k) {
        if (extra[s][k] > u) continue;
        const double score = best[u - extra[s][k]] + scores[s][k];
        if (score > next[u]) {
          next[u] = score;
          taken[s][u] = static_cast<int>(k);
        }
      }
    }
    best = std::move(next);
  }
  std::vector<int> path(scores.size());
  int left = kUnits;
  for (size_t s = scores.size(); s-- > 0;) {
    path[s] = taken[s][left];
    left -= extra[s][path[s]];
  }
  return path;
}

std::vector<int> SamplePath(const latency::SlotValues& logits, Random& random) {
  std::vector<int> path;
  for (const std::vector<double>& row : logits) {
    path.push_back(SampleIndex(latency::Softmax(row), random));
  }
  return path;
}

latency::SlotValues UniformLogits(const latency::ExpectedLatency& latency) {
  latency::SlotValues logits = latency.candidates_ns();
  for (std::vector<double>& row : logits) {
    std::fill(row.begin(), row.end(), 0.0);
  }
  return logits;
}

absl::StatusOr<std::optional<int>> Pool::Add(std::vector<int> path,
                                             absl::string_view origin) {
  ASSIGN_OR_RETURN(std::string digest, oracle_.Digest(path));
  if (const auto known = by_digest_.find(digest); known != by_digest_.end()) {
    return std::optional<int>(known->second);
  }
  const double predicted_ns = oracle_.latency().Point(path);
  if (exhausted() || predicted_ns > limit_ns_) return std::nullopt;
  ASSIGN_OR_RETURN(const bool keeps, oracle_.KeepsLimits(path));
  if (!keeps) return std::nullopt;
  ASSIGN_OR_RETURN(const double top1, oracle_.Top1(path));
  --left_;
  const int member = static_cast<int>(members_.size());
  by_digest_.emplace(digest, member);
  members_.push_back({std::move(path), std::move(digest), predicted_ns, top1,
                      std::string(origin)});
  return std::optional<int>(member);
}

void Pool::Pin(int member) {
  if (std::find(pinned_.begin(), pinned_.end(), member) == pinned_.end()) {
    pinned_.push_back(member);
  }
}

std::vector<ProposedPath> Pool::Select(absl::Span<const double> limits_ns,
                                       int wanted) const {
  std::vector<bool> chosen(members_.size(), false);
  int count = 0;
  const auto choose = [&](int member) {
    if (chosen[member] || count >= wanted) return;
    chosen[member] = true;
    ++count;
  };
  for (int member : pinned_) choose(member);
  // Members of each interval, the most accurate first.
  std::vector<std::vector<int>> intervals(limits_ns.size() + 1);
  for (size_t i = 0; i < members_.size(); ++i) {
    const auto limit = std::lower_bound(limits_ns.begin(), limits_ns.end(),
                                        members_[i].predicted_ns);
    intervals[limit - limits_ns.begin()].push_back(static_cast<int>(i));
  }
  size_t longest = 0;
  for (std::vector<int>& interval : intervals) {
    std::stable_sort(interval.begin(), interval.end(), [&](int a, int b) {
      return members_[a].top1 > members_[b].top1;
    });
    longest = std::max(longest, interval.size());
  }
  for (size_t rank = 0; rank < longest; ++rank) {
    for (const std::vector<int>& interval : intervals) {
      if (rank < interval.size()) choose(interval[rank]);
    }
  }
  std::vector<ProposedPath> proposals;
  for (size_t i = 0; i < members_.size(); ++i) {
    if (chosen[i]) proposals.push_back(members_[i]);
  }
  std::stable_sort(proposals.begin(), proposals.end(),
                   [](const ProposedPath& a, const ProposedPath& b) {
                     return a.predicted_ns < b.predicted_ns;
                   });
  return proposals;
}

}  // namespace frostnas::search
