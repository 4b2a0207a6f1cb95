#include "search/strategies/strategy.h"

#include <cmath>

namespace frostnas::search {
namespace {

// Accuracy rises steeply just above the cheapest network (CIFAR-10, width 0.35:
// 0.62 to 0.64 over the first tenth) and hardly in the last quarter.
constexpr double kLowShare = 0.02;
constexpr double kHighShare = 0.75;

}  // namespace

std::vector<double> SpreadLimits(const latency::ExpectedLatency& latency,
                                 int count, double hard_limit_ns) {
  const double cheapest = latency.MinNs();
  const bool limited = hard_limit_ns > 0 && hard_limit_ns < latency.MaxNs();
  const double dearest = limited ? hard_limit_ns : latency.MaxNs();
  const double low = cheapest + kLowShare * (dearest - cheapest);
  const double high =
      limited ? dearest : cheapest + kHighShare * (dearest - cheapest);
  std::vector<double> limits;
  for (int i = 0; i < count; ++i) {
    const double share = count > 1 ? static_cast<double>(i) / (count - 1) : 1.0;
    limits.push_back(low * std::pow(high / low, share));
  }
  // Rounding must not take a path at the limit away.
  if (limited && count > 0) limits.back() = hard_limit_ns;
  return limits;
}

}  // namespace frostnas::search
