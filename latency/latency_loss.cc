#include "latency/latency_loss.h"

#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace frostnas::latency {

absl::StatusOr<LatencyLoss> MulLogLoss(double cross_entropy, double latency,
                                       const MulLogOptions& options) {
  // Written so that NaN fails too.
  if (!(options.reference > 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("mul#log: reference latency ", options.reference,
                     " is not over 1; use a smaller unit"));
  }
  if (!(latency > 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "mul#log: latency ", latency, " is not over 1; use a smaller unit"));
  }
  const double ratio = std::log(latency) / std::log(options.reference);
  LatencyLoss loss;
  loss.d_cross_entropy = options.alpha * std::pow(ratio, options.beta);
  loss.value = cross_entropy * loss.d_cross_entropy;
  loss.d_latency = loss.value * options.beta / (latency * std::log(latency));
  return loss;
}

absl::StatusOr<LatencyLoss> AddLinearLoss(double cross_entropy, double latency,
                                          const AddLinearOptions& options) {
  if (!(options.reference > 0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "add#linear: reference latency ", options.reference, " is not over 0"));
  }
  LatencyLoss loss;
  loss.d_cross_entropy = 1;
  loss.d_latency = options.lambda / options.reference;
  loss.value = cross_entropy + loss.d_latency * (latency - options.reference);
  return loss;
}

}  // namespace frostnas::latency
