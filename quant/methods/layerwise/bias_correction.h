// Bias correction (Nagel et al., arXiv 1906.04721, section 4.3): rounding
// weights and activations moves the mean of what a channel sums up; the bias
// takes that back.
//
// Layer by layer in execution order, with all before it quantized and
// corrected: with the mean input patch E[x] of the float network and E[xq] of
// the quantized one over the calibration images,
//
//   bias += W E[x] - Wq E[xq]
//
// so that each channel's mean before the activation is the float network's.
//
// Functions; any thread.
#ifndef FROSTNAS_QUANT_METHODS_LAYERWISE_BIAS_CORRECTION_H_
#define FROSTNAS_QUANT_METHODS_LAYERWISE_BIAS_CORRECTION_H_

#include "absl/status/status.h"
#include "quant/methods/method.h"

namespace frostnas::quant {

// Without data: the mean of max(0, y), and of min(6, max(0, y)), for y normal
// with this mean and standard deviation > 0 (of a batch norm: beta and |gamma|;
// appendix C of the paper). W E[x] then needs no images.
double ExpectedRelu(double mean, double deviation);
double ExpectedRelu6(double mean, double deviation);

// A stage (StageFunction); changes the plan's biases.
absl::Status RunBiasCorrection(const MethodInputs& inputs,
                               MethodResult& result);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_LAYERWISE_BIAS_CORRECTION_H_
