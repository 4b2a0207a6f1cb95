// A residual addition by our own kernel.
//
// XNNPACK's adds multiply by numbers of 21 bits and round halves up: about one
// value in some thousands is a step away from ours, and behind it the logits of
// some trained networks differ by more than one step in a tenth of the values
// (everything else in XNNPACK gives our bits).
#ifndef FROSTNAS_QUANT_XNNPACK_ADD_STEP_H_
#define FROSTNAS_QUANT_XNNPACK_ADD_STEP_H_

#include <cstdint>
#include <memory>

#include "quant/layer_params.h"
#include "quant/xnnpack/step.h"

namespace frostnas::quant {

// Of `elements` values an image, without gaps between pixels.
std::unique_ptr<Step> MakeAddStep(const AddParams& params, int64_t elements);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_XNNPACK_ADD_STEP_H_
