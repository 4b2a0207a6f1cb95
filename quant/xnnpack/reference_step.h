// A layer by the integer reference, where XNNPACK has no operator for it.
#ifndef FROSTNAS_QUANT_XNNPACK_REFERENCE_STEP_H_
#define FROSTNAS_QUANT_XNNPACK_REFERENCE_STEP_H_

#include <memory>

#include "quant/quantized_graph.h"
#include "quant/xnnpack/step.h"

namespace frostnas::quant {

// On the calling thread, through copies. `quantized` must outlive the step,
// whose layer is no concatenation.
std::unique_ptr<Step> MakeReferenceStep(const QuantizedGraph& quantized,
                                        int index, const StepLayout& layout);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_XNNPACK_REFERENCE_STEP_H_
