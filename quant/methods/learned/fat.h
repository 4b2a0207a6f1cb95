// Trained thresholds as a method (Goncharenko et al., arXiv 1812.07872): the
// factors of min-max thresholds are trained so that the quantized network's
// logits come near the float network's, on a tenth of the training images and
// without labels. Weights stay as they are.
//
// Adam; a cosine and a fresh optimizer every two epochs. The input's grid and
// the logits' are min-max's: pixels have a known range, and of logits clipped
// to one value two would tie. When training leaves the logits further from the
// float network's on the images it saw than min-max did, min-max is what is
// given.
//
// Thread-compatible.
#ifndef FROSTNAS_QUANT_METHODS_LEARNED_FAT_H_
#define FROSTNAS_QUANT_METHODS_LEARNED_FAT_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "quant/methods/learned/learned_network.h"
#include "quant/methods/method.h"

namespace frostnas::quant {

inline constexpr int kFatEpochs = 8;
inline constexpr double kFatLearningRate = 5e-3;
inline constexpr double kFatImageShare = 0.1;  // of the training images

enum class ThresholdKind { kAsymmetric, kSymmetric };

// `network` with untrained thresholds: what min-max calibration gives, for
// kAsymmetric bit for bit. As StageFunction for errors; no calibration images
// are INVALID_ARGUMENT.
absl::StatusOr<std::unique_ptr<LearnedNetwork>> WithThresholds(
    const MethodInputs& inputs, const FoldedNetwork& network,
    ThresholdKind kind);

// Stages; they rescale before where options.rescale says so. INVALID_ARGUMENT
// also: no calibration or training images.
absl::Status RunFat(const MethodInputs& inputs, MethodResult& result);
absl::Status RunFatSymmetric(const MethodInputs& inputs, MethodResult& result);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_LEARNED_FAT_H_
