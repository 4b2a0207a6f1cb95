// The input transform of a package as arithmetic on floats: what quantizes a
// pixel exactly as the executors' tables do (quant/graph_executor.h).
//
// Pure function; any thread.
#ifndef FROSTNAS_DEPLOY_INPUT_SCALING_H_
#define FROSTNAS_DEPLOY_INPUT_SCALING_H_

#include <array>
#include <cstdint>

#include "proto/frostnas/v1/package.pb.h"

namespace frostnas::deploy {

// factor * pixel + offset, each operation rounded to float.
struct PixelScaling {
  float factor = 1;
  float offset = 0;
};

// One channel's normalisation and what the executors make of it.
struct ChannelTransform {
  double mean = 0;    // of pixel / 255
  double stddev = 1;  // > 0
  std::array<uint8_t, 256> table;
  v1::ActivationGrid grid;
};

// What QuantizeLinear stores for `pixel`: float division, half to even.
uint8_t StoredPixel(const PixelScaling& scaling, int pixel,
                    const v1::ActivationGrid& grid);

// (pixel / 255 - mean) / stddev in one product and one sum, with the offset
// moved by at most a few roundings so that no pixel value falls on the other
// side of a rounding boundary than in `table`. Pixel values that lie on a
// boundary themselves may stay one step off. Not finite when the normalisation
// leaves float's range.
PixelScaling FoldNormalization(const ChannelTransform& channel);

}  // namespace frostnas::deploy

#endif  // FROSTNAS_DEPLOY_INPUT_SCALING_H_
