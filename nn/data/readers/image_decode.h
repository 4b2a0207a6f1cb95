// JPEG and PNG files to RGB pixels.
#ifndef FROSTNAS_NN_DATA_READERS_IMAGE_DECODE_H_
#define FROSTNAS_NN_DATA_READERS_IMAGE_DECODE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace frostnas::nn {

struct DecodedImage {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> pixels;  // (height, width, 3), RGB
};

// The largest picture that is decoded, pixels; a JPEG counts as it is decoded.
inline constexpr int64_t kMaxDecodedPixels = 1 << 25;

// Decodes by what the bytes are, whatever the file is called. Grey becomes RGB,
// transparency white. A JPEG may come at a half, a quarter or an eighth of its
// size as long as its shorter side keeps 2 * `wanted_side` pixels, which costs
// less and loses nothing that a resize to wanted_side keeps. 0: full size.
//
// DATA_LOSS: neither format, damaged or cut short, CMYK, or larger than
// kMaxDecodedPixels; the message begins with `name`. Memory is bounded by that
// limit. Thread-safe.
absl::StatusOr<DecodedImage> DecodeImage(absl::string_view bytes,
                                         int wanted_side,
                                         absl::string_view name);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_READERS_IMAGE_DECODE_H_
