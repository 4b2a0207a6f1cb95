#include "nn/data/synthetic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/random.h"
#include "nn/data/image_set.h"
#include "nn/data/raw_dataset.h"
#include "nn/data/shapes.h"

namespace frostnas::nn {
namespace {

constexpr int kSize = kSyntheticSize;
constexpr int kChannels = 3;

// How hard the pictures are.
constexpr float kMinRadius = 4.5f;  // of figures, pixels
constexpr float kMaxRadius = 10.0f;
constexpr int kMinClutter = 3;
constexpr int kMaxClutter = 8;
constexpr int kMaxCover = 3;             // of them, over the figure
constexpr float kNoise = 35;             // largest, of 255
constexpr float kBrightestGround = 180;  // of a channel
constexpr float kDarkestFigure = 70;
constexpr float kMinContrast = 120;  // of colours, summed over channels

using Color = std::array<float, kChannels>;
using Canvas = std::array<Color, kSize * kSize>;

struct Point {
  float x = 0;
  float y = 0;
};

float Between(float low, float high, Random& random) {
  return low + (high - low) * random.UniformFloat();
}

Color DrawColor(float low, float high, Random& random) {
  Color color;
  for (float& value : color) value = Between(low, high, random);
  return color;
}

float Contrast(const Color& a, const Color& b) {
  float sum = 0;
  for (int c = 0; c < kChannels; ++c) sum += std::abs(a[c] - b[c]);
  return sum;
}

Color Blend(const Color& a, const Color& b, float share_of_b) {
  Color mixed;
  for (int c = 0; c < kChannels; ++c) {
    mixed[c] = a[c] + (b[c] - a[c]) * share_of_b;
  }
  return mixed;
}

// A direction without sines, which differ between machines.
Point DrawDirection(Random& random) {
  while (true) {
    const Point p = {Between(-1, 1, random), Between(-1, 1, random)};
    const float square = p.x * p.x + p.y * p.y;
    if (square > 1 || square < 0.01f) continue;
    const float length = std::sqrt(square);
    return {p.x / length, p.y / length};
  }
}

// A surface: two colours that blend into each other or alternate.
struct Paint {
  Color first, second;
  Point direction;
  float period = 0;  // pixels from one stripe to the next; 0: a gradient
  float phase = 0;

  Color At(float x, float y) const {
    const float along = direction.x * x + direction.y * y;
    if (period == 0) {
      return Blend(first, second, std::clamp(along / kSize + 0.5f, 0.0f, 1.0f));
    }
    const float turns = along / period + phase;
    const float saw = turns - std::floor(turns);
    const float wave = std::abs(2 * saw - 1);  // 1 .. 0 .. 1
    return Blend(first, second, std::clamp(3 * wave - 1, 0.0f, 1.0f));
  }
};

Paint DrawPaint(const Color& first, const Color& second, Random& random) {
  Paint paint;
  paint.first = first;
  paint.second = second;
  paint.direction = DrawDirection(random);
  if (random.Bernoulli(0.5)) paint.period = Between(4, 10, random);
  paint.phase = random.UniformFloat();
  return paint;
}

// A figure's colour that can be told from `ground`.
Color DrawFigureColor(const Color& ground, Random& random) {
  Color best = DrawColor(kDarkestFigure, 255, random);
  for (int i = 0; i < 8 && Contrast(best, ground) < kMinContrast; ++i) {
    const Color other = DrawColor(kDarkestFigure, 255, random);
    if (Contrast(other, ground) > Contrast(best, ground)) best = other;
  }
  return best;
}

// Covers what `distance(x, y)` (pixels, from the canvas' centre) has inside.
template <class Distance>
void Fill(const Distance& distance, const Paint& paint, Canvas& canvas) {
  for (int row = 0; row < kSize; ++row) {
    for (int column = 0; column < kSize; ++column) {
      const float x = static_cast<float>(column) + 0.5f - kSize / 2;
      const float y = static_cast<float>(row) + 0.5f - kSize / 2;
      const float cover = std::clamp(0.5f - distance(x, y), 0.0f, 1.0f);
      if (cover == 0) continue;
      Color& pixel = canvas[static_cast<size_t>(row * kSize + column)];
      pixel = Blend(pixel, paint.At(x, y), cover);
    }
  }
}

// A short stroke; a dot when its ends are near.
void DrawClutter(Random& random, Canvas& canvas) {
  constexpr float kHalf = kSize / 2;
  const Point a = {Between(-kHalf, kHalf, random),
                   Between(-kHalf, kHalf, random)};
  const Point way = DrawDirection(random);
  const float length = Between(0.5f, 9, random);
  const float half_width = Between(0.5f, 1.4f, random);
  const auto distance = [&](float x, float y) {
    const Point p = {x - a.x, y - a.y};
    const float along = std::clamp(p.x * way.x + p.y * way.y, 0.0f, length);
    const Point gap = {p.x - way.x * along, p.y - way.y * along};
    return std::sqrt(gap.x * gap.x + gap.y * gap.y) - half_width;
  };
  const Color color = DrawColor(0, 255, random);
  Fill(distance, DrawPaint(color, color, random), canvas);
}

void DrawFigure(int label, const Color& ground, Random& random,
                Canvas& canvas) {
  const float radius = Between(kMinRadius, kMaxRadius, random);
  const float room = std::max(0.0f, kSize / 2 - radius);
  const Point centre = {Between(-room, room, random),
                        Between(-room, room, random)};
  const Point turn = DrawDirection(random);
  const auto distance = [&](float x, float y) {
    const Point p = {(x - centre.x) / radius, (y - centre.y) / radius};
    return radius * ShapeDistance(label, p.x * turn.x + p.y * turn.y,
                                  p.y * turn.x - p.x * turn.y);
  };
  const Color color = DrawFigureColor(ground, random);
  const Color other = DrawFigureColor(ground, random);
  Fill(distance, DrawPaint(color, Blend(color, other, 0.3f), random), canvas);
}

// Appends the canvas with noise, four values of it from one random number.
void Store(const Canvas& canvas, Random& random, ImageSet& images) {
  uint32_t bits = 0;
  int left = 0;
  for (const Color& pixel : canvas) {
    for (const float value : pixel) {
      if (left == 0) {
        bits = random.NextUint32();
        left = 4;
      }
      const float noise = static_cast<float>(bits & 255) / 127.5f - 1;
      bits >>= 8;
      --left;
      const float noisy = std::clamp(value + kNoise * noise, 0.0f, 255.0f);
      images.pixels.push_back(static_cast<uint8_t>(noisy + 0.5f));
    }
  }
}

void RenderImage(int label, Random random, ImageSet& images) {
  const Color ground = DrawColor(0, kBrightestGround, random);
  const Color other = DrawColor(0, kBrightestGround, random);
  const Paint background =
      DrawPaint(ground, Blend(ground, other, 0.5f), random);
  Canvas canvas = {};
  Fill([](float, float) { return -1.0f; }, background, canvas);
  const int clutter =
      kMinClutter +
      static_cast<int>(random.UniformInt(kMaxClutter - kMinClutter + 1));
  const int cover = static_cast<int>(random.UniformInt(kMaxCover + 1));
  for (int i = 0; i < clutter - cover; ++i) DrawClutter(random, canvas);
  DrawFigure(label, background.second, random, canvas);
  for (int i = 0; i < cover; ++i) DrawClutter(random, canvas);
  Store(canvas, random, images);
}

ImageSet RenderSet(const Random& random, int count) {
  ImageSet images;
  images.size = kSize;
  images.channels = kChannels;
  images.pixels.reserve(static_cast<size_t>(count) * kSize * kSize * kChannels);
  for (int i = 0; i < count; ++i) {
    images.labels.push_back(i % kShapes);
    RenderImage(i % kShapes, random.Split(static_cast<uint64_t>(i)), images);
  }
  return images;
}

}  // namespace

RawDataset RenderSynthetic(const SyntheticOptions& options) {
  CHECK(options.train_images >= 0 && options.test_images >= 0);
  const Random random = Random(options.seed).Split("synthetic");
  RawDataset raw;
  raw.class_names.assign(kShapeNames, kShapeNames + kShapes);
  raw.flip_allowed = true;
  raw.train = RenderSet(random.Split("train"), options.train_images);
  raw.test = RenderSet(random.Split("test"), options.test_images);
  return raw;
}

}  // namespace frostnas::nn
