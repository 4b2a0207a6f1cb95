#include "deploy/planes.h"

namespace frostnas::deploy {
namespace {

int64_t Positions(const arch::FeatureShape& shape) {
  return static_cast<int64_t>(shape.size) * shape.size;
}

// Where value `i` of our order is among the planes.
int64_t PlaneIndex(int64_t i, const arch::FeatureShape& shape) {
  const int64_t image = Positions(shape) * shape.channels;
  const int64_t channel = i % shape.channels;
  return i / image * image + channel * Positions(shape) +
         i % image / shape.channels;
}

}  // namespace

OnnxTensor ToPlanes(absl::Span<const uint8_t> pixels,
                    const arch::FeatureShape& shape) {
  const auto count = static_cast<int64_t>(pixels.size());
  OnnxTensor tensor;
  tensor.shape = {count / (Positions(shape) * shape.channels), shape.channels,
                  shape.size, shape.size};
  tensor.values.resize(count);
  for (int64_t i = 0; i < count; ++i) {
    tensor.values[PlaneIndex(i, shape)] = pixels[i];
  }
  return tensor;
}

std::vector<float> FromPlanes(const OnnxTensor& tensor,
                              const arch::FeatureShape& shape) {
  std::vector<float> values(tensor.values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = tensor.values[PlaneIndex(static_cast<int64_t>(i), shape)];
  }
  return values;
}

}  // namespace frostnas::deploy
