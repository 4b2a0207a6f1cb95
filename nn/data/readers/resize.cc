#include "nn/data/readers/resize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "nn/data/image_set.h"

namespace frostnas::nn {
namespace {

constexpr int kWeightBits = 14;
constexpr int kOne = 1 << kWeightBits;

// The source positions first, first + 1, ... that make one destination.
struct Taps {
  int first = 0;
  std::vector<int> weights;
};

Taps TapsFor(int position, int from, int to) {
  const double factor = static_cast<double>(from) / to;
  const double reach = std::max(factor, 1.0);
  const double centre = (position + 0.5) * factor;
  Taps taps;
  taps.first = std::max(0, static_cast<int>(centre - reach + 0.5));
  const int end = std::min(from, static_cast<int>(centre + reach + 0.5));
  std::vector<double> exact;
  double sum = 0;
  for (int i = taps.first; i < end; ++i) {
    const double distance = std::abs(i + 0.5 - centre) / reach;
    exact.push_back(std::max(0.0, 1 - distance));
    sum += exact.back();
  }
  int left = kOne;
  for (const double weight : exact) {
    taps.weights.push_back(static_cast<int>(weight / sum * kOne + 0.5));
    left -= taps.weights.back();
  }
  // What rounding lost or gained goes to the heaviest tap.
  *std::max_element(taps.weights.begin(), taps.weights.end()) += left;
  return taps;
}

std::vector<Taps> AllTaps(int from, int to) {
  std::vector<Taps> taps;
  for (int i = 0; i < to; ++i) taps.push_back(TapsFor(i, from, to));
  return taps;
}

// Weighted sum of values `stride` apart.
uint8_t Apply(const Taps& taps, const uint8_t* values, int64_t stride) {
  int sum = kOne / 2;
  const uint8_t* at = values + taps.first * stride;
  for (const int weight : taps.weights) {
    sum += weight * *at;
    at += stride;
  }
  return static_cast<uint8_t>(sum >> kWeightBits);
}

}  // namespace

PixelView CentreSquare(const PixelView& view) {
  PixelView square = view;
  square.width = square.height = std::min(view.width, view.height);
  square.pixels += (view.height - square.height) / 2 * view.row_bytes +
                   (view.width - square.width) / 2 * view.channels;
  return square;
}

void Resize(const PixelView& src, int size, uint8_t* dst) {
  CHECK(size > 0 && src.width > 0 && src.height > 0);
  const int channels = src.channels;
  const int64_t dst_row = int64_t{size} * channels;
  const std::vector<Taps> columns = AllTaps(src.width, size);
  // Rows at full height, columns already resized.
  std::vector<uint8_t> narrow(static_cast<size_t>(src.height * dst_row));
  for (int y = 0; y < src.height; ++y) {
    const uint8_t* row = src.pixels + y * src.row_bytes;
    uint8_t* to = narrow.data() + y * dst_row;
    for (const Taps& taps : columns) {
      for (int c = 0; c < channels; ++c) *to++ = Apply(taps, row + c, channels);
    }
  }
  for (const Taps& taps : AllTaps(src.height, size)) {
    for (int64_t x = 0; x < dst_row; ++x) {
      *dst++ = Apply(taps, narrow.data() + x, dst_row);
    }
  }
}

absl::Status ResizeImages(int size, ImageSet& images) {
  if (images.size == size) return absl::OkStatus();
  ImageSet resized;
  resized.size = size;
  resized.channels = images.channels;
  const int64_t bytes = resized.image_bytes() * images.count();
  if (bytes > kMaxImageSetBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("data set: ", images.count(), " images of image_size ",
                     size, " take more than ", kMaxImageSetBytes, " bytes"));
  }
  resized.pixels.resize(static_cast<size_t>(bytes));
  for (int i = 0; i < images.count(); ++i) {
    const PixelView view = {
        .pixels = images.image(i).data(),
        .width = images.size,
        .height = images.size,
        .channels = images.channels,
        .row_bytes = int64_t{images.size} * images.channels};
    Resize(view, size, resized.pixels.data() + i * resized.image_bytes());
  }
  resized.labels = std::move(images.labels);
  images = std::move(resized);
  return absl::OkStatus();
}

}  // namespace frostnas::nn
