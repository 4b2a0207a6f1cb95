#include "nn/data/shapes.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace frostnas::nn {
namespace {

float Disk(float x, float y, float radius) {
  return std::sqrt(x * x + y * y) - radius;
}

float Box(float x, float y, float half_width, float half_height) {
  return std::max(std::abs(x) - half_width, std::abs(y) - half_height);
}

// What lies within `half_width` of a border.
float Outline(float distance, float half_width) {
  return std::abs(distance) - half_width;
}

float Triangle(float x, float y) {
  constexpr float kInner = 0.5f;  // circumscribed by the unit circle
  constexpr float kCos30 = 0.8660254f;
  return std::max(-y, kCos30 * std::abs(x) + 0.5f * y) - kInner;
}

// A pentagram: what at least four of five half planes share.
float Star(float x, float y) {
  const float sides[] = {
      y, 0.95105652f * x + 0.30901699f * y, 0.58778525f * x - 0.80901699f * y,
      -0.58778525f * x - 0.80901699f * y, -0.95105652f * x + 0.30901699f * y};
  float largest = -10;
  float second = -10;
  for (const float side : sides) {
    second = std::max(second, std::min(largest, side));
    largest = std::max(largest, side);
  }
  constexpr float kInner = 0.30901699f;  // its points are at distance 1
  return second - kInner;
}

float Cross(float x, float y) {
  constexpr float kArm = 0.27f;
  return std::min(Box(x, y, 0.95f, kArm), Box(x, y, kArm, 0.95f));
}

float Crescent(float x, float y) {
  return std::max(Disk(x, y, 1.0f), -Disk(x, y - 0.55f, 0.8f));
}

float Bars(float x, float y) { return Box(x, std::abs(y) - 0.5f, 0.7f, 0.21f); }

float Tee(float x, float y) {
  return std::min(Box(x, y + 0.5f, 0.7f, 0.21f),
                  Box(x, y - 0.3f, 0.22f, 0.65f));
}

}  // namespace

const char* const kShapeNames[kShapes] = {"disk",     "ring", "square", "frame",
                                          "triangle", "star", "bars",   "cross",
                                          "crescent", "tee"};

float ShapeDistance(int shape, float x, float y) {
  switch (shape) {
    case 0:
      return Disk(x, y, 0.9f);
    case 1:
      return Outline(Disk(x, y, 0.75f), 0.2f);
    case 2:
      return Box(x, y, 0.7f, 0.7f);
    case 3:
      return Outline(Box(x, y, 0.54f, 0.54f), 0.16f);
    case 4:
      return Triangle(x, y);
    case 5:
      return Star(x, y);
    case 6:
      return Bars(x, y);
    case 7:
      return Cross(x, y);
    case 8:
      return Crescent(x, y);
    case 9:
      return Tee(x, y);
    default:
      CHECK(false) << "no shape " << shape;
      return 0;
  }
}

}  // namespace frostnas::nn
