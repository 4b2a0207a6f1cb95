#include "quant/methods/network/patches.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "quant/methods/network/folded_network.h"

namespace frostnas::quant {
namespace {

// Row or column of the input under kernel offset `k` at output `at`; outside
// [0, in_size) for padding.
int InputAt(const ConvGeometry& geometry, int at, int k) {
  return at * geometry.stride + k - geometry.pad;
}

bool Inside(const ConvGeometry& geometry, int at) {
  return at >= 0 && at < geometry.in_size;
}

// Pixel (row, column) of an image, or null beyond the edges.
const float* PixelAt(const ConvGeometry& geometry, const nn::Tensor& src,
                     const PatchPosition& at) {
  if (!Inside(geometry, at.row) || !Inside(geometry, at.column)) return nullptr;
  return src.data() + at.image * geometry.src_elements() +
         (int64_t{at.row} * geometry.in_size + at.column) *
             geometry.in_channels;
}

}  // namespace

int64_t PatchElements(const ConvGeometry& geometry) {
  return int64_t{geometry.kernel} * geometry.kernel * geometry.in_channels;
}

void CopyPatch(const ConvGeometry& geometry, const nn::Tensor& src,
               const PatchPosition& position, absl::Span<float> patch) {
  const size_t channels = geometry.in_channels;
  float* to = patch.data();
  for (int ky = 0; ky < geometry.kernel; ++ky) {
    for (int kx = 0; kx < geometry.kernel; ++kx, to += channels) {
      const float* pixel =
          PixelAt(geometry, src,
                  {.image = position.image,
                   .row = InputAt(geometry, position.row, ky),
                   .column = InputAt(geometry, position.column, kx)});
      if (pixel == nullptr) {
        std::fill(to, to + channels, 0.0f);
      } else {
        std::memcpy(to, pixel, channels * sizeof(float));
      }
    }
  }
}

PatchMean::PatchMean(const arch::Layer& layer)
    : geometry_(GeometryOf(layer)), sums_(PatchElements(geometry_)) {}

void PatchMean::Add(const nn::Tensor& src) {
  std::vector<float> patch(sums_.size());
  for (int n = 0; n < src.shape().n; ++n) {
    for (int row = 0; row < geometry_.out_size; ++row) {
      for (int column = 0; column < geometry_.out_size; ++column) {
        CopyPatch(geometry_, src, {n, row, column}, absl::MakeSpan(patch));
        for (size_t i = 0; i < patch.size(); ++i) sums_[i] += patch[i];
      }
    }
  }
  positions_ +=
      int64_t{src.shape().n} * geometry_.out_size * geometry_.out_size;
}

std::vector<double> PatchMean::mean() const {
  CHECK(positions_ > 0);
  std::vector<double> mean = sums_;
  for (double& value : mean) value /= static_cast<double>(positions_);
  return mean;
}

std::vector<double> MeanOutput(const arch::Layer& layer,
                               absl::Span<const float> weights,
                               absl::Span<const double> mean_patch) {
  const FilterLayout layout = FilterLayoutOf(layer);
  const bool depthwise = layer.kind == arch::LayerKind::kDepthwise;
  std::vector<double> outputs(layout.channels);
  for (int c = 0; c < layout.channels; ++c) {
    for (int64_t i = 0; i < layout.elements; ++i) {
      outputs[c] += weights[layout.at(c, i)] *
                    mean_patch[depthwise ? i * layout.channels + c : i];
    }
  }
  return outputs;
}

}  // namespace frostnas::quant
