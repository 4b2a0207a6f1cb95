#include "deploy/input_scaling.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "quant/grid.h"

namespace frostnas::deploy {
namespace {

constexpr int kPixelValues = 256;
// Offsets tried on each side, a rounding of the largest sum apart.
constexpr int kLargestMove = 16;

int Mismatches(const PixelScaling& scaling, const ChannelTransform& channel) {
  int mismatches = 0;
  for (int pixel = 0; pixel < kPixelValues; ++pixel) {
    mismatches +=
        StoredPixel(scaling, pixel, channel.grid) != channel.table[pixel];
  }
  return mismatches;
}

// The distance of floats at the largest value that the sum takes.
double Rounding(const PixelScaling& scaling) {
  const float largest =
      std::max(std::abs(scaling.offset),
               std::abs(scaling.factor * (kPixelValues - 1) + scaling.offset));
  return std::nextafter(largest, 2 * largest + 1) - largest;
}

}  // namespace

uint8_t StoredPixel(const PixelScaling& scaling, int pixel,
                    const v1::ActivationGrid& grid) {
  const float scaled = static_cast<float>(pixel) * scaling.factor;
  const float real = scaled + scaling.offset;
  return quant::RequantizeScaled(real / grid.scale(),
                                 {.zero_point = grid.zero_point()});
}

PixelScaling FoldNormalization(const ChannelTransform& channel) {
  const double offset = -channel.mean / channel.stddev;
  const PixelScaling exact = {
      .factor = static_cast<float>(1 / (255 * channel.stddev)),
      .offset = static_cast<float>(offset)};
  PixelScaling best = exact;
  if (!std::isfinite(exact.factor) || !std::isfinite(exact.offset)) return best;
  const double rounding = Rounding(exact);
  int fewest = Mismatches(exact, channel);
  for (int move = 1; move <= kLargestMove && fewest > 0; ++move) {
    for (const int signed_move : {move, -move}) {
      PixelScaling moved = exact;
      moved.offset = static_cast<float>(offset + signed_move * rounding);
      const int mismatches = Mismatches(moved, channel);
      if (mismatches >= fewest) continue;
      fewest = mismatches;
      best = moved;
    }
  }
  return best;
}

}  // namespace frostnas::deploy
