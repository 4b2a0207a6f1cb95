// AdaRound (Nagel et al., arXiv 2004.10568): whether each weight is rounded up
// or down is learned, so that the layer's output comes out best rather than
// each weight.
//
//   w~ = s clip(floor(w / s) + h(v), -qmax, qmax)
//   h(v) = clip(1.2 sigmoid(v) - 0.1, 0, 1)
//
// v starts where h is the fraction that floor cuts off. Adam minimises, over
// positions sampled from the calibration images,
//
//   mean ||f(w x + b) - f(w~ xq + b)||^2
//     + sum lambda_i (1 - |2 h_i - 1|^beta)
//
// with f the activation (and a norm after it), x the float network's input and
// xq the quantized one's, in which all layers before are rounded already. The
// second term, absent from the first fifth of the steps, drives h to 0 or 1 as
// beta falls from 20 to 2. In the end h is rounded.
//
// The paper has one lambda, 0.01, and 10 000 steps. Here lambda_i is in
// proportion to s^2 E[xq_i^2], which is how much the error resists: so scaling
// a layer's input or weights changes nothing, and a tenth of the steps decides.
// (MobileNetV1, 4 bits: 7 of 210 000 weights are undecided, with one lambda
// 9 000 are; the layers' errors are 76 % and 79 % of the nearest's.)
//
// Functions; any thread.
#ifndef FROSTNAS_QUANT_METHODS_LAYERWISE_ADAROUND_H_
#define FROSTNAS_QUANT_METHODS_LAYERWISE_ADAROUND_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "arch/graph.h"
#include "base/random.h"
#include "base/stop.h"
#include "quant/methods/layerwise/layer_forward.h"
#include "quant/methods/method.h"
#include "quant/methods/network/folded_network.h"

namespace frostnas::quant {

// h, and the v with h(v) = fraction for 0 <= fraction < 1.
double RectifiedSigmoid(double v);
double InverseRectifiedSigmoid(double fraction);

// beta at `step` of `steps`: 20 until the regulariser begins, then linearly
// down to 2.
double RoundingBeta(int step, int steps);

struct AdaRoundOptions {
  int steps = 1000;
  int positions = 256;  // of each step
  double learning_rate = 0.03;
  double regularization = 30;  // lambda_i / (s^2 E[xq_i^2])
  // Of the steps, at the start, without the regulariser.
  double free_share = 0.2;
};

struct LearnedRounding {
  std::vector<int8_t> weights;  // order as FoldedLayer::weights
  // Mean squared error over all samples, summed over channels: of rounding to
  // the nearest, and of `weights`.
  double nearest_error = 0;
  double error = 0;
  int64_t changed = 0;    // weights that are not rounded to the nearest
  int64_t undecided = 0;  // weights with 0.01 < h < 0.99 at the end
};

// What is rounded how; not owned.
struct RoundingTask {
  const arch::Layer& layer;
  const FoldedLayer& folded;
  absl::Span<const float> scale;  // one an output channel
  int bits = 8;                   // 2..8
};

// Where the learned rounding is no better than the nearest, that is the result.
// Needs samples. CANCELLED: a stop was requested.
absl::StatusOr<LearnedRounding> LearnRounding(const RoundingTask& task,
                                              const LayerSamples& samples,
                                              const AdaRoundOptions& options,
                                              Random random,
                                              const StopToken& stop);

// A stage (StageFunction); changes the plan's weights, keeping their scales.
absl::Status RunAdaRound(const MethodInputs& inputs, MethodResult& result);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_LAYERWISE_ADAROUND_H_
