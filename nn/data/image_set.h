// Labelled images in memory.
#ifndef FROSTNAS_NN_DATA_IMAGE_SET_H_
#define FROSTNAS_NN_DATA_IMAGE_SET_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace frostnas::nn {

// Images of one split: uint8, NHWC, RGB or grey, and their labels.
struct ImageSet {
  int size = 0;  // height and width, pixels
  int channels = 0;
  std::vector<uint8_t> pixels;  // (count, size, size, channels)
  std::vector<int32_t> labels;  // 0 <= label < classes

  int count() const { return static_cast<int>(labels.size()); }
  int64_t image_bytes() const {
    return static_cast<int64_t>(size) * size * channels;
  }
  absl::Span<const uint8_t> image(int index) const {
    return absl::MakeConstSpan(pixels.data() + index * image_bytes(),
                               static_cast<size_t>(image_bytes()));
  }
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_IMAGE_SET_H_
