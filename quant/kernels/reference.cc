#include "quant/kernels/reference.h"

#include <algorithm>
#include <cstdint>

#include "quant/grid.h"

namespace frostnas::quant {
namespace {

// Top left of a window in src; may lie in the padding.
struct Window {
  int y = 0, x = 0;
};

// Sum of one output channel over one window of `image`.
int32_t WindowSum(const ConvParams& params, const uint8_t* image, Window window,
                  int o) {
  const ConvGeometry& g = params.geometry;
  const int first = g.depthwise ? o : 0;
  const int channels = g.depthwise ? 1 : g.in_channels;
  int32_t sum = 0;
  for (int k = 0; k < g.kernel * g.kernel; ++k) {
    const int y = window.y + k / g.kernel;
    const int x = window.x + k % g.kernel;
    // Padding is real zero: stored src_zero_point, so it adds nothing.
    if (y < 0 || y >= g.in_size || x < 0 || x >= g.in_size) continue;
    const uint8_t* pixel = image + (y * g.in_size + x) * g.in_channels + first;
    for (int c = 0; c < channels; ++c) {
      sum += (pixel[c] - params.src_zero_point) *
             params.weight(o, static_cast<int64_t>(k) * channels + c);
    }
  }
  return sum;
}

}  // namespace

void ConvReference(const ConvParams& params, int n,
                   absl::Span<const uint8_t> src, absl::Span<uint8_t> dst) {
  const ConvGeometry& g = params.geometry;
  uint8_t* out = dst.data();
  for (int image = 0; image < n; ++image) {
    const uint8_t* pixels = src.data() + image * g.src_elements();
    for (int p = 0; p < g.out_size * g.out_size; ++p) {
      const Window window = {p / g.out_size * g.stride - g.pad,
                             p % g.out_size * g.stride - g.pad};
      for (int o = 0; o < g.out_channels; ++o) {
        *out++ =
            Requantize(params.bias[o] + WindowSum(params, pixels, window, o),
                       params.multiplier[o], params.to);
      }
    }
  }
}

void AddReference(const AddParams& params, absl::Span<const uint8_t> a,
                  absl::Span<const uint8_t> b, absl::Span<uint8_t> dst) {
  for (size_t i = 0; i < dst.size(); ++i) {
    const float scaled_a =
        params.multiplier[0] * static_cast<float>(a[i] - params.zero_point[0]);
    const float scaled_b =
        params.multiplier[1] * static_cast<float>(b[i] - params.zero_point[1]);
    dst[i] = RequantizeScaled(scaled_a + scaled_b, params.to);
  }
}

void ConcatReference(int a_channels, int b_channels,
                     absl::Span<const uint8_t> a, absl::Span<const uint8_t> b,
                     absl::Span<uint8_t> dst) {
  const int channels = a_channels + b_channels;
  for (size_t row = 0; row * channels < dst.size(); ++row) {
    uint8_t* to = dst.data() + row * channels;
    std::copy_n(a.data() + row * a_channels, a_channels, to);
    std::copy_n(b.data() + row * b_channels, b_channels, to + a_channels);
  }
}

void MaxPoolReference(const MaxPoolGeometry& geometry,
                      absl::Span<const uint8_t> src, absl::Span<uint8_t> dst) {
  const MaxPoolGeometry& g = geometry;
  const int positions = g.out_size * g.out_size;
  for (int64_t i = 0; i < static_cast<int64_t>(dst.size()); ++i) {
    const int c = static_cast<int>(i % g.channels);
    const int64_t at = i / g.channels;  // over (n, y, x)
    const int y = static_cast<int>(at % positions) / g.out_size * g.stride;
    const int x = static_cast<int>(at % positions) % g.out_size * g.stride;
    const uint8_t* image =
        src.data() + at / positions * g.in_size * g.in_size * g.channels;
    uint8_t largest = 0;
    for (int k = 0; k < g.kernel * g.kernel; ++k) {
      const int pixel = (y + k / g.kernel) * g.in_size + x + k % g.kernel;
      largest = std::max(largest, image[pixel * g.channels + c]);
    }
    dst[i] = largest;
  }
}

void AveragePoolReference(const AveragePoolParams& params, int n,
                          absl::Span<const uint8_t> src,
                          absl::Span<uint8_t> dst) {
  for (int image = 0; image < n; ++image) {
    for (int c = 0; c < params.channels; ++c) {
      int32_t sum = 0;
      for (int p = 0; p < params.positions; ++p) {
        const int64_t row = static_cast<int64_t>(image) * params.positions + p;
        sum += src[row * params.channels + c] - params.src_zero_point;
      }
      dst[static_cast<int64_t>(image) * params.channels + c] =
          Requantize(sum, params.multiplier, params.to);
    }
  }
}

void ClampChannelsReference(const ChannelBounds& bounds,
                            absl::Span<uint8_t> values) {
  const size_t channels = bounds.low.size();
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t c = i % channels;
    values[i] = std::clamp(values[i], bounds.low[c], bounds.high[c]);
  }
}

}  // namespace frostnas::quant
