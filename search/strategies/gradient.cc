#include "search/strategies/gradient.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "search/strategies/derivation.h"

namespace frostnas::search {
namespace {

// Added to the logits of a sample's candidates: they stay unless the limit
// forbids it.
constexpr double kSampleBonus = 100;
// Samples tried for each evaluation, since many repeat a known network.
constexpr int kTriesPerEvaluation = 4;

latency::SlotValues Favoured(latency::SlotValues logits,
                             const std::vector<int>& path) {
  for (size_t s = 0; s < path.size(); ++s) logits[s][path[s]] += kSampleBonus;
  return logits;
}

}  // namespace

absl::StatusOr<std::vector<ProposedPath>> GradientStrategy::Propose(
    Oracle& oracle, const ProposalRequest& request) const {
  Pool pool(oracle, request.limits_ns.back(), request.evaluations);
  std::vector<latency::SlotValues> logits;
  for (double limit_ns : request.limits_ns) {
    ASSIGN_OR_RETURN(logits.emplace_back(), oracle.LogitsForLimit(limit_ns));
    const auto path = BestPathUnder(logits.back(), oracle.latency(), limit_ns);
    if (!path) continue;
    ASSIGN_OR_RETURN(
        const auto member,
        pool.Add(*path, absl::StrFormat("limit %.3f ms", limit_ns / 1e6)));
    if (member) pool.Pin(*member);
  }
  Random random = request.random;
  const int tries = kTriesPerEvaluation * request.evaluations;
  for (int i = 0; i < tries && !pool.exhausted(); ++i) {
    const size_t which = i % logits.size();
    const auto path = BestPathUnder(
        Favoured(logits[which], SamplePath(logits[which], random)),
        oracle.latency(), request.limits_ns[which]);
    if (!path) continue;
    RETURN_IF_ERROR(pool.Add(*path, "sample").status());
  }
  return pool.Select(request.limits_ns, request.wanted);
}

}  // namespace frostnas::search
