#include "latency/calibrate.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "latency/statistics.h"

namespace frostnas::latency {
namespace {

// Sums closer together than this cannot tell slope from intercept.
constexpr double kMinSpan = 1.25;

double Apply(const Line& line, double predicted_ns) {
  return line.slope * predicted_ns + line.intercept;
}

absl::Status CheckPairs(absl::Span<const NetworkPair> networks) {
  if (networks.empty()) {
    return absl::InvalidArgumentError(
        "calibration needs at least one measured network");
  }
  for (size_t i = 0; i < networks.size(); ++i) {
    const auto [predicted, measured] = networks[i];
    const bool valid = std::isfinite(predicted) && std::isfinite(measured) &&
                       predicted > 0 && measured > 0;
    if (!valid) {
      return absl::InvalidArgumentError(
          absl::StrCat("network ", i, ": predicted ", predicted,
                       " ns, measured ", measured, " ns are not both over 0"));
    }
  }
  return absl::OkStatus();
}

Line MedianRatio(absl::Span<const NetworkPair> networks) {
  std::vector<double> ratios;
  for (const NetworkPair& network : networks) {
    ratios.push_back(network.measured_ns / network.predicted_ns);
  }
  return {.slope = Median(std::move(ratios)), .intercept = 0};
}

Line Fit(absl::Span<const NetworkPair> networks) {
  std::vector<double> predicted;
  std::vector<double> measured;
  for (const NetworkPair& network : networks) {
    predicted.push_back(network.predicted_ns);
    measured.push_back(network.measured_ns);
  }
  const auto [low, high] =
      std::minmax_element(predicted.begin(), predicted.end());
  if (*high < kMinSpan * *low) return MedianRatio(networks);
  const Line line = TheilSen(predicted, measured);
  const bool sound =
      line.slope > 0 &&
      std::all_of(networks.begin(), networks.end(), [&](const auto& network) {
        return Apply(line, network.predicted_ns) > network.measured_ns / 2;
      });
  return sound ? line : MedianRatio(networks);
}

}  // namespace

absl::StatusOr<v1::Calibration> FitCalibration(
    absl::Span<const NetworkPair> networks) {
  RETURN_IF_ERROR(CheckPairs(networks));
  const Line line = Fit(networks);
  v1::Calibration calibration;
  calibration.set_slope(line.slope);
  calibration.set_intercept_ns(line.intercept);
  calibration.set_networks(static_cast<int>(networks.size()));
  ASSIGN_OR_RETURN(const PredictionQuality quality,
                   EvaluateCalibration(calibration, networks));
  calibration.set_mape(quality.mape);
  return calibration;
}

absl::StatusOr<PredictionQuality> EvaluateCalibration(
    const v1::Calibration& calibration,
    absl::Span<const NetworkPair> networks) {
  RETURN_IF_ERROR(CheckPairs(networks));
  const Line line = {calibration.slope(), calibration.intercept_ns()};
  PredictionQuality quality;
  quality.networks = static_cast<int>(networks.size());
  std::vector<double> predicted;
  std::vector<double> measured;
  for (int i = 0; i < quality.networks; ++i) {
    predicted.push_back(Apply(line, networks[i].predicted_ns));
    measured.push_back(networks[i].measured_ns);
    const double error = predicted[i] / measured[i] - 1;
    quality.mape += std::abs(error) / quality.networks;
    quality.within_5 += (std::abs(error) <= 0.05) * 1.0 / quality.networks;
    quality.within_10 += (std::abs(error) <= 0.10) * 1.0 / quality.networks;
    if (quality.worst_network < 0 ||
        std::abs(error) > std::abs(quality.worst)) {
      quality.worst = error;
      quality.worst_network = i;
    }
  }
  quality.kendall_tau = KendallTauB(predicted, measured);
  return quality;
}

}  // namespace frostnas::latency
