// Cross-layer equalisation and absorption of high biases (Nagel et al., arXiv
// 1906.04721, sections 4.1 and 4.2): the same float function with weights that
// one scale a tensor suits better.
//
// A pair is two layers with weights, of which only the second reads what the
// first gives, through max, average or global pools and dropouts at most. These
// and ReLU commute with a positive factor by channel, so with r1 and r2 the
// largest magnitudes of channel i's weights in the first and in the second,
//
//   s = sqrt(r1 / r2):   w1, b1 / s,   w2 * s
//
// gives both sqrt(r1 r2). A depthwise convolution is the second of one pair and
// the first of the next, so pairs are swept until nothing moves; all three then
// have the geometric mean of their ranges.
//
// ReLU6 bounds all channels at 6, so its channels may be scaled only as far as
// none saturates that did not (Goncharenko et al.; methods.md 6): one that
// comes up to kSaturating on the calibration images stays as it is, others stay
// below.
//
// Functions of their arguments; any thread.
#ifndef FROSTNAS_QUANT_METHODS_LAYERWISE_EQUALIZE_H_
#define FROSTNAS_QUANT_METHODS_LAYERWISE_EQUALIZE_H_

#include <vector>

#include "absl/status/status.h"
#include "arch/graph.h"
#include "quant/methods/method.h"
#include "quant/methods/network/folded_network.h"
#include "quant/methods/ranges/calibrator.h"

namespace frostnas::quant {

inline constexpr float kSaturating = 5.9f;

// Indices of layers.
struct LayerPair {
  int first = 0;
  int second = 0;
  friend bool operator==(const LayerPair&, const LayerPair&) = default;
};

// By the first.
std::vector<LayerPair> FindPairs(const arch::Graph& graph);

struct EqualizeResult {
  int pairs = 0;
  int sweeps = 0;
  int channels = 0;         // of the pairs' firsts, together
  int locked_channels = 0;  // of them, kept for their ReLU6
};

// `extremes` are the network's (ObserveExtremes) before the call. Channels
// whose weights are all zero on either side stay as they are.
EqualizeResult Equalize(const TensorExtremes& extremes, FoldedNetwork& network);

// Where channel i of a pair's first never falls to zero on the calibration
// images, its least value c moves on: b1 - c, b2 + w2 c, so that the tensor
// needs a narrower range. Exact where values stay above c, which is why c is
// the least observed and not mean - 3 sigma. Seconds with padding, which c
// would not fill, are left out, and channels that a ReLU6 bounds. `extremes`
// are the network's as it is now. Returns the number of channels.
int AbsorbHighBias(const TensorExtremes& extremes, FoldedNetwork& network);

// ReLU for ReLU6, in the architecture too. Changes the function where values
// exceed 6.
void ReplaceRelu6(FoldedNetwork& network);

// Stages (StageFunction): equalisation, then absorption; and the replacement.
absl::Status RunEqualization(const MethodInputs& inputs, MethodResult& result);
absl::Status RunReplaceRelu6(const MethodInputs& inputs, MethodResult& result);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_LAYERWISE_EQUALIZE_H_
