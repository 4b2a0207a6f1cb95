// The built-in data set: ten figures, rendered from a seed.
//
// A picture of 32 x 32 RGB shows one figure of nn/data/shapes.h, rotated,
// scaled and placed at random, in two random colours that blend or alternate in
// stripes, over a ground of the same kind, with small clutter of strokes and
// dots in any colour behind and before it, and noise. No colour and no place
// tells the class: softmax regression on the pixels reaches 15 % on the test
// split, a network of four convolutions 50 % in five epochs, FrostNet-Small
// 0.25 and 0.6 (//quant:train --epochs 5) 89 % and 91 %: hard enough that
// better networks show, as a demonstration of a search needs.
//
// The arithmetic is fixed by IEEE 754, so a seed gives the same bytes on every
// machine. Thread-safe.
#ifndef FROSTNAS_NN_DATA_SYNTHETIC_H_
#define FROSTNAS_NN_DATA_SYNTHETIC_H_

#include <cstdint>

#include "nn/data/raw_dataset.h"

namespace frostnas::nn {

inline constexpr int kSyntheticSize = 32;  // pixels square
inline constexpr int kSyntheticTrainImages = 10000;
inline constexpr int kSyntheticTestImages = 2000;
inline constexpr int kMaxSyntheticImages = 1000000;

struct SyntheticOptions {
  uint64_t seed = 0;
  int train_images = kSyntheticTrainImages;
  int test_images = kSyntheticTestImages;
};

// Classes take turns, so their numbers differ by one at most. Image i of a
// split does not depend on how many there are.
RawDataset RenderSynthetic(const SyntheticOptions& options);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_SYNTHETIC_H_
