// Bounds of a layer's output that differ between its channels, which XNNPACK's
// operators do not take.
#ifndef FROSTNAS_QUANT_XNNPACK_CLAMP_STEP_H_
#define FROSTNAS_QUANT_XNNPACK_CLAMP_STEP_H_

#include <cstdint>
#include <memory>

#include "quant/layer_params.h"
#include "quant/xnnpack/step.h"

namespace frostnas::quant {

// Clamps dst, which an earlier step has written, in place. `pixels`: of one
// image; dst's pixels lie `stride` values apart.
std::unique_ptr<Step> MakeClampStep(const ChannelBounds& bounds, int64_t pixels,
                                    int stride);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_XNNPACK_CLAMP_STEP_H_
