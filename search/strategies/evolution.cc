#include "search/strategies/evolution.h"

#include <cmath>
#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "search/pareto.h"
#include "search/strategies/derivation.h"

namespace frostnas::search {
namespace {

constexpr int kTriesPerEvaluation = 8;
constexpr double kMutation = 0.1;  // of each slot

// Rank and crowding of every member.
struct Fitness {
  std::vector<int> ranks;
  std::vector<double> crowding;

  bool Better(int a, int b) const {
    if (ranks[a] != ranks[b]) return ranks[a] < ranks[b];
    return crowding[a] > crowding[b];
  }
};

Fitness FitnessOf(const std::vector<ProposedPath>& members) {
  std::vector<ObjectivePoint> points;
  for (size_t i = 0; i < members.size(); ++i) {
    points.push_back({static_cast<int>(i), members[i].top1,
                      std::llround(members[i].predicted_ns)});
  }
  Fitness fitness;
  fitness.ranks = NonDominatedRanks(points);
  fitness.crowding = CrowdingDistances(points, fitness.ranks);
  return fitness;
}

const std::vector<int>& Parent(const std::vector<ProposedPath>& members,
                               const Fitness& fitness, Random& random) {
  const int a = static_cast<int>(random.UniformInt(members.size()));
  const int b = static_cast<int>(random.UniformInt(members.size()));
  return members[fitness.Better(a, b) ? a : b].path;
}

std::vector<int> Child(const std::vector<ProposedPath>& members,
                       const Fitness& fitness,
                       const latency::SlotValues& candidates, Random& random) {
  const std::vector<int>& mother = Parent(members, fitness, random);
  const std::vector<int>& father = Parent(members, fitness, random);
  std::vector<int> child(mother.size());
  for (size_t s = 0; s < child.size(); ++s) {
    child[s] = random.Bernoulli(0.5) ? mother[s] : father[s];
    if (random.Bernoulli(kMutation)) {
      child[s] = static_cast<int>(random.UniformInt(candidates[s].size()));
    }
  }
  return child;
}

// A random path, near a limit in turn.
std::optional<std::vector<int>> Settler(const Oracle& oracle, double limit_ns,
                                        Random& random) {
  latency::SlotValues scores = UniformLogits(oracle.latency());
  for (std::vector<double>& row : scores) {
    for (double& score : row) score = random.Uniform();
  }
  return BestPathUnder(scores, oracle.latency(), limit_ns);
}

}  // namespace

absl::StatusOr<std::vector<ProposedPath>> EvolutionStrategy::Propose(
    Oracle& oracle, const ProposalRequest& request) const {
  Pool pool(oracle, request.limits_ns.back(), request.evaluations);
  Random random = request.random;
  const size_t settlers = (request.evaluations + 1) / 2;
  const int tries = kTriesPerEvaluation * request.evaluations;
  int attempt = 0;
  for (; attempt < tries && pool.members().size() < settlers; ++attempt) {
    const double limit_ns =
        request.limits_ns[attempt % request.limits_ns.size()];
    const auto path = Settler(oracle, limit_ns, random);
    if (path) RETURN_IF_ERROR(pool.Add(*path, "evolution").status());
  }
  for (attempt = 0; attempt < tries && !pool.exhausted(); ++attempt) {
    if (pool.members().empty()) break;
    const Fitness fitness = FitnessOf(pool.members());
    RETURN_IF_ERROR(pool.Add(Child(pool.members(), fitness,
                                   oracle.latency().candidates_ns(), random),
                             "evolution")
                        .status());
  }
  return pool.Select(request.limits_ns, request.wanted);
}

}  // namespace frostnas::search
