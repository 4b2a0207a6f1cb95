#include "search/strategies/random_search.h"

#include <utility>

#include "base/status_macros.h"
#include "search/strategies/derivation.h"

namespace frostnas::search {
namespace {

constexpr int kTriesPerEvaluation = 8;

}  // namespace

absl::StatusOr<std::vector<ProposedPath>> RandomStrategy::Propose(
    Oracle& oracle, const ProposalRequest& request) const {
  Pool pool(oracle, request.limits_ns.back(), request.evaluations);
  const latency::SlotValues uniform = UniformLogits(oracle.latency());
  Random random = request.random;
  const int tries = kTriesPerEvaluation * request.evaluations;
  for (int i = 0; i < tries && !pool.exhausted(); ++i) {
    if (i % 2 == 0) {
      RETURN_IF_ERROR(pool.Add(SamplePath(uniform, random), "random").status());
      continue;
    }
    latency::SlotValues scores = uniform;
    for (std::vector<double>& row : scores) {
      for (double& score : row) score = random.Uniform();
    }
    const double limit_ns = request.limits_ns[i / 2 % request.limits_ns.size()];
    const auto path = BestPathUnder(scores, oracle.latency(), limit_ns);
    if (path) RETURN_IF_ERROR(pool.Add(*path, "random").status());
  }
  return pool.Select(request.limits_ns, request.wanted);
}

}  // namespace frostnas::search
