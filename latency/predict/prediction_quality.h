// How well predictions meet measurements. On networks that a fit has not seen
// this is what to expect of new ones.
//
// INVALID_ARGUMENT: no networks. Thread-safe: no state.
#ifndef FROSTNAS_LATENCY_PREDICT_PREDICTION_QUALITY_H_
#define FROSTNAS_LATENCY_PREDICT_PREDICTION_QUALITY_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "latency/predict/predictor.h"

namespace frostnas::latency {

struct JudgedNetwork {
  Prediction predicted;
  double measured_ns = 0;  // > 0

  double relative_error() const { return predicted.ns / measured_ns - 1; }
};

struct PredictionQuality {
  int networks = 0;
  double mape = 0;         // mean of |relative error|
  double within_5 = 0;     // share with |relative error| <= 0.05
  double within_10 = 0;    // share with |relative error| <= 0.10
  double kendall_tau = 0;  // rank correlation tau-b
  double coverage = 0;     // share measured within the 95 % interval
  double worst = 0;        // relative error of largest magnitude
};

absl::StatusOr<PredictionQuality> Judge(
    absl::Span<const JudgedNetwork> networks);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PREDICT_PREDICTION_QUALITY_H_
