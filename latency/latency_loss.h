// How a search loss carries latency, in ProxylessNAS's two forms
// (arXiv 1812.00332, section 3.3.2; its released code names them so).
//
// Latency and reference are in one unit of the caller's choice. The forms are
// not driven to the reference: mul#log is weak (25 % more latency costs 1.5 %
// of the cross entropy at beta 0.3 and 80 ms), so a search that must meet a
// limit adds a multiplier of its own.
//
// Errors: INVALID_ARGUMENT naming the field. Thread-safe: no state.
#ifndef FROSTNAS_LATENCY_LATENCY_LOSS_H_
#define FROSTNAS_LATENCY_LATENCY_LOSS_H_

#include "absl/status/statusor.h"

namespace frostnas::latency {

// A loss of two arguments, with its partial derivatives.
struct LatencyLoss {
  double value = 0;
  double d_cross_entropy = 0;
  double d_latency = 0;  // 1 / the latency's unit
};

struct MulLogOptions {
  double alpha = 0.2;
  double beta = 0.3;
  double reference = 0;  // > 1: its logarithm divides
};

// alpha * cross_entropy * (ln latency / ln reference)^beta. The form is
// defined for latencies over 1 only: in milliseconds a fast network would get
// a negative base, so use a smaller unit for it.
absl::StatusOr<LatencyLoss> MulLogLoss(double cross_entropy, double latency,
                                       const MulLogOptions& options);

struct AddLinearOptions {
  double lambda = 0.1;
  double reference = 0;  // > 0
};

// cross_entropy + lambda * (latency - reference) / reference.
absl::StatusOr<LatencyLoss> AddLinearLoss(double cross_entropy, double latency,
                                          const AddLinearOptions& options);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_LATENCY_LOSS_H_
