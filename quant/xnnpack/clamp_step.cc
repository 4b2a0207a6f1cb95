#include "quant/xnnpack/clamp_step.h"

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "quant/simd/elementwise.h"
#include "quant/xnnpack/signed_bytes.h"
#include "quant/xnnpack/tiled_step.h"

namespace frostnas::quant {
namespace {

// Pixels that a thread takes at once.
constexpr size_t kTile = 256;

class ClampStep final : public TiledStep {
 public:
  ClampStep(const ChannelBounds& bounds, int64_t pixels, int stride)
      : TiledStep(pixels, kTile), clamp_(bounds), stride_(stride) {}

  std::string kernel() const override {
    return absl::StrCat("simd clamp ", simd::Target());
  }

 private:
  void RunTile(size_t begin, size_t count) const override {
    const int64_t channels = clamp_.channels();
    for (size_t p = begin; p < begin + count; ++p) {
      int8_t* const pixel = tensors().dst + p * stride_;
      // Unsigned for the length of the clamp, which the bounds are too.
      auto* const stored = reinterpret_cast<uint8_t*>(pixel);
      FlipSigns(pixel, channels, stored);
      clamp_.Apply({stored, static_cast<size_t>(channels)});
      FlipSigns(stored, channels, pixel);
    }
  }

  const simd::ChannelClamp clamp_;
  const int stride_;
};

}  // namespace

std::unique_ptr<Step> MakeClampStep(const ChannelBounds& bounds, int64_t pixels,
                                    int stride) {
  return std::make_unique<ClampStep>(bounds, pixels, stride);
}

}  // namespace frostnas::quant
