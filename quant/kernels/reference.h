// The integer reference: one plain function an operator, which gives the bits
// that every other implementation is compared with (design.md 5).
//
// Activations are unsigned 8 bit, (N, H, W, C); sums are int32; formulas stand
// in quant/layer_params.h. Slow and single threaded on purpose. Pure
// functions; any thread.
#ifndef FROSTNAS_QUANT_KERNELS_REFERENCE_H_
#define FROSTNAS_QUANT_KERNELS_REFERENCE_H_

#include <cstdint>

#include "absl/types/span.h"
#include "quant/layer_params.h"

namespace frostnas::quant {

// Dense and depthwise convolution, linear. src (n, in_size, in_size,
// in_channels), dst (n, out_size, out_size, out_channels).
void ConvReference(const ConvParams& params, int n,
                   absl::Span<const uint8_t> src, absl::Span<uint8_t> dst);

// dst = a + b, rescaled; all of dst's size.
void AddReference(const AddParams& params, absl::Span<const uint8_t> a,
                  absl::Span<const uint8_t> b, absl::Span<uint8_t> dst);

// Channels of a, then of b, at every position. a (rows, a_channels),
// b (rows, b_channels), dst (rows, a_channels + b_channels).
void ConcatReference(int a_channels, int b_channels,
                     absl::Span<const uint8_t> a, absl::Span<const uint8_t> b,
                     absl::Span<uint8_t> dst);

// Square window without padding, over as many images as dst holds.
struct MaxPoolGeometry {
  int in_size = 0, out_size = 0, channels = 0;
  int kernel = 1, stride = 1;
};
void MaxPoolReference(const MaxPoolGeometry& geometry,
                      absl::Span<const uint8_t> src, absl::Span<uint8_t> dst);

// src (n, positions, channels), dst (n, channels).
void AveragePoolReference(const AveragePoolParams& params, int n,
                          absl::Span<const uint8_t> src,
                          absl::Span<uint8_t> dst);

// Clamps each value to its channel's bounds. values (rows, channels).
void ClampChannelsReference(const ChannelBounds& bounds,
                            absl::Span<uint8_t> values);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_KERNELS_REFERENCE_H_
