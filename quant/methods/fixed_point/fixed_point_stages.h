// The fixed-point searches as methods:
//
//   fixed_point              the published search (fixed_point_search.h)
//   fixed_point_independent  its ablation: no tensor knows of the others
//   fixed_point_plus         our allocation (allocation.h)
//
// All search on MethodInputs::search, with ranges from its calibration images,
// until the loss there (PlanScore::believed_loss) is options.max_accuracy_loss
// less kReserve of it. Of the usual 1 % the reserve is two standard errors of a
// loss measured on 10 000 other images.
//
// FAILED_PRECONDITION: even the best network found loses more than
// options.max_accuracy_loss.
#ifndef FROSTNAS_QUANT_METHODS_FIXED_POINT_FIXED_POINT_STAGES_H_
#define FROSTNAS_QUANT_METHODS_FIXED_POINT_FIXED_POINT_STAGES_H_

#include "absl/status/status.h"
#include "quant/methods/method.h"

namespace frostnas::quant {

inline constexpr double kReserve = 0.5;

absl::Status RunFixedPoint(const MethodInputs& inputs, MethodResult& result);
absl::Status RunFixedPointIndependent(const MethodInputs& inputs,
                                      MethodResult& result);
absl::Status RunFixedPointPlus(const MethodInputs& inputs,
                               MethodResult& result);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_FIXED_POINT_FIXED_POINT_STAGES_H_
