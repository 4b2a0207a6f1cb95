#include "quant/xnnpack/clamp_step.h"

#include <pthreadpool.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "quant/simd/elementwise.h"
#include "quant/xnnpack/signed_bytes.h"

namespace frostnas::quant {
namespace {

// Pixels that a thread takes at once.
constexpr size_t kTile = 256;

class ClampStep final : public Step {
 public:
  ClampStep(const ChannelBounds& bounds, int64_t pixels, int stride)
      : clamp_(bounds), pixels_(pixels), stride_(stride) {}

  absl::Status SetUp(const StepTensors& tensors,
                     const ThreadPool& threads) override {
    tensors_ = tensors;
    threads_ = threads;
    return absl::OkStatus();
  }

  void Execute() override {
    pthreadpool_parallelize_1d_tile_1d(
        threads_.get(),
        [](void* self, size_t begin, size_t count) {
          static_cast<ClampStep*>(self)->ClampPixels(begin, count);
        },
        this, tensors_.batch * pixels_, kTile, /*flags=*/0);
  }

  std::string kernel() const override {
    return absl::StrCat("simd clamp ", simd::Target());
  }

 private:
  void ClampPixels(size_t begin, size_t count) const {
    const int64_t channels = clamp_.channels();
    for (size_t p = begin; p < begin + count; ++p) {
      int8_t* const pixel = tensors_.dst + p * stride_;
      // Unsigned for the length of the clamp, which the bounds are too.
      auto* const stored = reinterpret_cast<uint8_t*>(pixel);
      FlipSigns(pixel, channels, stored);
      clamp_.Apply({stored, static_cast<size_t>(channels)});
      FlipSigns(stored, channels, pixel);
    }
  }

  const simd::ChannelClamp clamp_;
  const int64_t pixels_;
  const int stride_;
  StepTensors tensors_;
  ThreadPool threads_;
};

}  // namespace

std::unique_ptr<Step> MakeClampStep(const ChannelBounds& bounds, int64_t pixels,
                                    int stride) {
  return std::make_unique<ClampStep>(bounds, pixels, stride);
}

}  // namespace frostnas::quant
