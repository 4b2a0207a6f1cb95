// Mutual rescaling of a depthwise convolution and the convolution that alone
// reads it, so that one weight scale suits all of its filters (Goncharenko et
// al., arXiv 1812.07872, section 3.4; methods.md 6).
//
// Filter k and its bias are multiplied by s_k > 0, what reads channel k is
// divided by it. Through ReLU, or no activation, that is the same function.
// ReLU6 bounds channels at 6 whatever their scale, so there, with m_k = max|w|
// of filter k and x_k the largest output on the calibration images,
//
//   locked = {k : x_k >= 5.9}, which keep s_k = 1
//   T0     = mean of m_k over the locked ones
//   s_k    = T0 / m_k, but 6 / x_k where s_k x_k > 6
//
// which is exact on the calibration images. Before, filters whose output is one
// value on all calibration images become that value: those of channels that
// nothing reaches any more. Training never moved their norm's variance from
// zero, so that folding it made their weights some hundred times the others',
// and dividing what reads them by such factors would only move the harm there.
//
// Without locked channels T0 is the
// mean over all. Filters of zeros keep 1 and count nowhere, and factors stay
// within 1/1024 and 1024 where a filter hardly has weights.
//
// Functions of their arguments; any thread.
#ifndef FROSTNAS_QUANT_METHODS_LEARNED_RESCALE_H_
#define FROSTNAS_QUANT_METHODS_LEARNED_RESCALE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/stop.h"
#include "quant/methods/method.h"
#include "quant/methods/network/folded_network.h"
#include "quant/methods/ranges/batches.h"
#include "quant/methods/ranges/calibrator.h"

namespace frostnas::quant {

struct RescaleFactors {
  std::vector<double> factor;  // s, one a channel
  int locked = 0;
};

// `largest_weight` m and `largest_output` x have an entry a channel; x is used
// with `relu6` only.
RescaleFactors ChooseFactors(absl::Span<const float> largest_weight,
                             absl::Span<const float> largest_output,
                             bool relu6);

struct RescaledPair {
  int depthwise = 0;  // layers
  int reader = 0;
  RescaleFactors factors;
  std::vector<bool> constant;  // by channel
};

// Every such pair of the network, rescaled. `extremes` are the network's
// (ObserveExtremes) before the call.
std::vector<RescaledPair> Rescale(const TensorExtremes& extremes,
                                  FoldedNetwork& network);

// Outputs of the pairs' depthwise convolutions with ReLU6, on any images.
struct ChangedOutputs {
  int64_t values = 0;
  // Bounded by 6 in one of the networks and not in the other, by more than a
  // thousandth of the bound; or no longer the constant they became, by that.
  int64_t changed = 0;
};

// INVALID_ARGUMENT: no images. CANCELLED: a stop was requested.
absl::StatusOr<ChangedOutputs> CountChangedOutputs(
    const FoldedNetwork& before, const FoldedNetwork& after,
    const std::vector<RescaledPair>& pairs, const CalibrationImages& images,
    const StopToken& stop);

// Stage (StageFunction, a transform): rescales, and notes what that did on the
// held-out images.
absl::Status RunRescale(const MethodInputs& inputs, MethodResult& result);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_LEARNED_RESCALE_H_
