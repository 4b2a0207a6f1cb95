// The stages that choose grids of activations and scales of weights; weights
// are rounded to the nearest.
//
// Each is a way of quant/methods/ranges/ranges.h, applied to every tensor but
// the input, which is 256 pixel values, and the logits, of which two that are
// clipped to one value would tie: these two keep min-max.
//
// As StageFunction says. INVALID_ARGUMENT also: no calibration images, or
// values that are not finite on them.
#ifndef FROSTNAS_QUANT_METHODS_RANGES_RANGE_STAGES_H_
#define FROSTNAS_QUANT_METHODS_RANGES_RANGE_STAGES_H_

#include "absl/status/status.h"
#include "quant/methods/method.h"

namespace frostnas::quant {

absl::Status RunMinMax(const MethodInputs& inputs, MethodResult& result);
absl::Status RunPercentile(const MethodInputs& inputs, MethodResult& result);
absl::Status RunMse(const MethodInputs& inputs, MethodResult& result);
absl::Status RunKl(const MethodInputs& inputs, MethodResult& result);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_RANGES_RANGE_STAGES_H_
