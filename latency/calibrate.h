// From sums of op latencies to network latencies.
//
// Ops measured alone run with warm caches and pay one call each, so their sum
// is biased, by much the same factor and offset for all networks of a space.
// A line fitted on a few whole networks takes that bias out.
//
// Errors: INVALID_ARGUMENT naming the pair. Thread-safe: no state.
#ifndef FROSTNAS_LATENCY_CALIBRATE_H_
#define FROSTNAS_LATENCY_CALIBRATE_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "proto/frostnas/v1/measurement.pb.h"

namespace frostnas::latency {

// One whole network. Both > 0, nanoseconds.
struct NetworkPair {
  double predicted_ns = 0;  // sum of its ops, before calibration
  double measured_ns = 0;
};

// Fits measured = slope * predicted + intercept by Theil and Sen's estimator,
// which a badly measured network does not move. Where a line cannot be
// trusted, because there is one network only, the sums span less than a factor
// of 1.25, or the line would fall or give less than half of some measured
// network, the intercept is 0 and the slope the median ratio. At least one
// pair.
absl::StatusOr<v1::Calibration> FitCalibration(
    absl::Span<const NetworkPair> networks);

// How well calibrated predictions meet measurements. Relative errors are
// (predicted - measured) / measured.
struct PredictionQuality {
  int networks = 0;
  double mape = 0;         // mean of |relative error|
  double within_5 = 0;     // share with |relative error| <= 0.05
  double within_10 = 0;    // share with |relative error| <= 0.10
  double kendall_tau = 0;  // rank correlation tau-b
  double worst = 0;        // relative error of largest magnitude
  int worst_network = -1;  // its index
};

// On networks that the fit has not seen, this is what to expect of new ones.
absl::StatusOr<PredictionQuality> EvaluateCalibration(
    const v1::Calibration& calibration, absl::Span<const NetworkPair> networks);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_CALIBRATE_H_
