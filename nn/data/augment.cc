#include "nn/data/augment.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "base/check.h"
#include "base/random.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::nn {
namespace {

// Uniform in [low, high].
int Draw(int low, int high, Random& random) {
  return low + static_cast<int>(
                   random.UniformInt(static_cast<uint64_t>(high - low) + 1));
}

}  // namespace

Change DrawChange(const Augmentation& augmentation, int size, Random& random) {
  Change change;
  if (augmentation.crop_padding > 0) {
    const int padding = augmentation.crop_padding;
    change.top = Draw(-padding, padding, random);
    change.left = Draw(-padding, padding, random);
  }
  if (augmentation.flip) change.flip = random.Bernoulli(0.5);
  if (augmentation.cutout > 0) {
    // The square's centre is anywhere, so the border is cut as often.
    const int side = augmentation.cutout;
    change.cut_side = side;
    change.cut_top = Draw(0, size - 1, random) - side / 2;
    change.cut_left = Draw(0, size - 1, random) - side / 2;
  }
  return change;
}

Normalizer::Normalizer(const v1::DatasetInfo& info)
    : size_(info.image_size()), channels_(info.channels()) {
  CHECK_EQ(info.mean_size(), channels_);
  CHECK_EQ(info.stddev_size(), channels_);
  for (int x = 0; x < size_; ++x) {
    for (int c = 0; c < channels_; ++c) {
      scale_.push_back(1 / (255 * info.stddev(c)));
      offset_.push_back(-info.mean(c) / info.stddev(c));
    }
  }
}

void Normalizer::WriteRow(const uint8_t* row, const Change& change,
                          float* dst) const {
  // Columns of the crop that lie in the image, before the flip.
  const int first = std::max(0, -change.left);
  const int last = std::min(size_, size_ - change.left);
  const int step = change.flip ? -channels_ : channels_;
  float* to = dst + (change.flip ? (size_ - 1 - first) : first) * channels_;
  const uint8_t* from = row + (first + change.left) * channels_;
  if (!change.flip) {
    const int count = (last - first) * channels_;
    for (int i = 0; i < count; ++i) {
      to[i] = static_cast<float>(from[i]) * scale_[i] + offset_[i];
    }
    return;
  }
  for (int x = first; x < last; ++x, from += channels_, to += step) {
    for (int c = 0; c < channels_; ++c) {
      to[c] = static_cast<float>(from[c]) * scale_[c] + offset_[c];
    }
  }
}

void Normalizer::CutOut(const Change& change, float* dst) const {
  const int top = std::max(0, change.cut_top);
  const int bottom = std::min(size_, change.cut_top + change.cut_side);
  const int left = std::max(0, change.cut_left);
  const int right = std::min(size_, change.cut_left + change.cut_side);
  for (int y = top; y < bottom; ++y) {
    std::fill(dst + (y * size_ + left) * channels_,
              dst + (y * size_ + right) * channels_, 0.0f);
  }
}

void Normalizer::Write(absl::Span<const uint8_t> image, const Change& change,
                       float* dst) const {
  const int row_values = size_ * channels_;
  DCHECK_EQ(image.size(), static_cast<size_t>(size_) * row_values);
  // Only a moved crop has pixels that no row writes.
  if (change.top != 0 || change.left != 0) {
    std::fill_n(dst, static_cast<size_t>(size_) * row_values, 0.0f);
  }
  for (int y = 0; y < size_; ++y) {
    const int from = y + change.top;
    if (from < 0 || from >= size_) continue;
    WriteRow(image.data() + from * row_values, change, dst + y * row_values);
  }
  if (change.cut_side > 0) CutOut(change, dst);
}

}  // namespace frostnas::nn
