#include "latency/predict/prediction_quality.h"

#include <cmath>
#include <vector>

#include "absl/status/status.h"
#include "latency/statistics.h"

namespace frostnas::latency {

absl::StatusOr<PredictionQuality> Judge(
    absl::Span<const JudgedNetwork> networks) {
  if (networks.empty()) {
    return absl::InvalidArgumentError(
        "predictions cannot be judged without measured networks");
  }
  PredictionQuality quality;
  quality.networks = static_cast<int>(networks.size());
  const double share = 1.0 / quality.networks;
  std::vector<double> predicted;
  std::vector<double> measured;
  for (const JudgedNetwork& network : networks) {
    const double error = network.relative_error();
    predicted.push_back(network.predicted.ns);
    measured.push_back(network.measured_ns);
    quality.mape += share * std::abs(error);
    if (std::abs(error) <= 0.05) quality.within_5 += share;
    if (std::abs(error) <= 0.10) quality.within_10 += share;
    if (network.predicted.low_ns <= network.measured_ns &&
        network.measured_ns <= network.predicted.high_ns) {
      quality.coverage += share;
    }
    if (std::abs(error) > std::abs(quality.worst)) quality.worst = error;
  }
  quality.kendall_tau = KendallTauB(predicted, measured);
  return quality;
}

}  // namespace frostnas::latency
