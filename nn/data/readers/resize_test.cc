#include "nn/data/readers/resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "base/random.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/data/image_set.h"

namespace frostnas::nn {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

PixelView View(const std::vector<uint8_t>& pixels, int width, int height,
               int channels) {
  return {.pixels = pixels.data(),
          .width = width,
          .height = height,
          .channels = channels,
          .row_bytes = static_cast<int64_t>(width) * channels};
}

std::vector<uint8_t> Resized(const PixelView& view, int size) {
  std::vector<uint8_t> dst(static_cast<size_t>(size) * size * view.channels);
  Resize(view, size, dst.data());
  return dst;
}

std::vector<uint8_t> Noise(int count) {
  Random random(5);
  std::vector<uint8_t> pixels(count);
  for (uint8_t& p : pixels) p = static_cast<uint8_t>(random.UniformInt(256));
  return pixels;
}

// The definition in double precision, both directions at once.
double Expected(const PixelView& view, int size, int y, int x, int c) {
  double sum = 0, total = 0;
  const double fy = view.height / static_cast<double>(size);
  const double fx = view.width / static_cast<double>(size);
  for (int i = 0; i < view.height; ++i) {
    for (int j = 0; j < view.width; ++j) {
      const double dy = (i + 0.5 - (y + 0.5) * fy) / std::max(1.0, fy);
      const double dx = (j + 0.5 - (x + 0.5) * fx) / std::max(1.0, fx);
      const double weight =
          std::max(0.0, 1 - std::abs(dy)) * std::max(0.0, 1 - std::abs(dx));
      sum += weight * view.pixels[i * view.row_bytes + j * view.channels + c];
      total += weight;
    }
  }
  return sum / total;
}

TEST(ResizeTest, IsTheTriangleFilter) {
  for (const auto& [width, height, size] :
       {std::tuple(20, 13, 7), std::tuple(9, 9, 16), std::tuple(31, 8, 8)}) {
    const std::vector<uint8_t> pixels = Noise(width * height * 3);
    const PixelView view = View(pixels, width, height, 3);
    const std::vector<uint8_t> dst = Resized(view, size);
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) {
        for (int c = 0; c < 3; ++c) {
          // Half a step of rounding in each direction.
          EXPECT_NEAR(dst[(y * size + x) * 3 + c],
                      Expected(view, size, y, x, c), 1.1)
              << width << "x" << height << " to " << size;
        }
      }
    }
  }
}

TEST(ResizeTest, SameSizeIsExact) {
  const std::vector<uint8_t> pixels = Noise(15 * 15 * 3);
  EXPECT_EQ(Resized(View(pixels, 15, 15, 3), 15), pixels);
}

TEST(ResizeTest, FlatStaysFlat) {
  for (const int value : {0, 1, 127, 254, 255}) {
    const std::vector<uint8_t> pixels(50 * 33, static_cast<uint8_t>(value));
    for (const int size : {1, 3, 32, 77}) {
      EXPECT_THAT(Resized(View(pixels, 50, 33, 1), size), Each(value));
    }
  }
}

TEST(ResizeTest, CentreSquareDropsTheSidesOrTheEnds) {
  const std::vector<uint8_t> pixels = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_THAT(Resized(CentreSquare(View(pixels, 5, 2, 1)), 2),
              ElementsAre(1, 2, 6, 7));
  EXPECT_THAT(Resized(CentreSquare(View(pixels, 2, 5, 1)), 2),
              ElementsAre(2, 3, 4, 5));
}

TEST(ResizeTest, ResizesEveryImageOfASet) {
  ImageSet images = {.size = 4, .channels = 1};
  for (int i = 0; i < 3; ++i) {
    images.pixels.insert(images.pixels.end(), 16, static_cast<uint8_t>(i));
    images.labels.push_back(i);
  }
  ASSERT_OK(ResizeImages(8, images));
  EXPECT_EQ(images.size, 8);
  EXPECT_THAT(images.labels, ElementsAre(0, 1, 2));
  EXPECT_THAT(images.image(2), Each(2));
}

TEST(ResizeTest, SetsBeyondTheLimitAreRefused) {
  ImageSet images = {.size = 1, .channels = 3};
  images.labels.resize(2000);
  images.pixels.resize(6000);
  EXPECT_THAT(ResizeImages(1024, images),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace frostnas::nn
