// What an operator does, beside the time it was measured to take: what the
// bias of operators measured alone depends on.
//
// Thread-safe: no state.
#ifndef FROSTNAS_LATENCY_PREDICT_OP_WORK_H_
#define FROSTNAS_LATENCY_PREDICT_OP_WORK_H_

#include <string>

#include "absl/status/statusor.h"
#include "proto/frostnas/v1/measurement.pb.h"

namespace frostnas::latency {

struct OpWork {
  // The key's kind, but "pointwise" for 1 x 1 convolutions, whose kernels are
  // others than those of dense k x k ones.
  std::string kind;
  double activation_bytes = 0;  // read and written, for one image
  double weight_bytes = 0;
};

// INVALID_ARGUMENT: not an op (arch/op_key.h).
absl::StatusOr<OpWork> OpWorkOf(const v1::OpKey& op);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PREDICT_OP_WORK_H_
