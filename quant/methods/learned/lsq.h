// Learned step sizes as a method (Esser et al., arXiv 1902.08153): weights,
// biases and steps are trained together on the labelled training images, from
// the folded float network. Batch norms are folded for good, so that what is
// trained is what is stored.
//
// SGD with momentum and a cosine, cross-entropy, the data set's augmentation.
// The input keeps min-max's grid. Logits are not quantized in training, where
// clipped ones would send no gradient; they get min-max's grid afterwards.
//
// Thread-compatible.
#ifndef FROSTNAS_QUANT_METHODS_LEARNED_LSQ_H_
#define FROSTNAS_QUANT_METHODS_LEARNED_LSQ_H_

#include "absl/status/status.h"
#include "quant/methods/method.h"

namespace frostnas::quant {

inline constexpr int kLsqEpochs = 3;
inline constexpr double kLsqLearningRate = 2e-3;

// Stage. INVALID_ARGUMENT also: no calibration images, or fewer training images
// than a batch has. result.network gets the trained weights.
absl::Status RunLsq(const MethodInputs& inputs, MethodResult& result);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_LEARNED_LSQ_H_
