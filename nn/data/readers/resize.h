// Resizing of 8-bit pictures.
//
// Separable triangle filter, widened by the factor when shrinking: an
// area-weighted mean, and bilinear interpolation when growing. Pixel centres
// are at half integers. Weights are 14-bit integers that sum to 1 exactly, so
// that flat areas stay as they are and every machine gives the same bytes.
#ifndef FROSTNAS_NN_DATA_READERS_RESIZE_H_
#define FROSTNAS_NN_DATA_READERS_RESIZE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "nn/data/image_set.h"

namespace frostnas::nn {

// Pixels owned by someone else: (height, width, channels), rows `row_bytes`
// apart.
struct PixelView {
  const uint8_t* pixels = nullptr;
  int width = 0;
  int height = 0;
  int channels = 0;
  int64_t row_bytes = 0;
};

// The square in the middle, as large as it goes.
PixelView CentreSquare(const PixelView& view);

// dst: (size, size, channels), not overlapping the source. size > 0.
void Resize(const PixelView& src, int size, uint8_t* dst);

// Resizes every image. INVALID_ARGUMENT: the result would be larger than
// kMaxImageSetBytes.
inline constexpr int64_t kMaxImageSetBytes = int64_t{4} << 30;
absl::Status ResizeImages(int size, ImageSet& images);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_READERS_RESIZE_H_
