#include "quant/xnnpack/add_step.h"

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "quant/simd/elementwise.h"
#include "quant/xnnpack/signed_bytes.h"
#include "quant/xnnpack/tiled_step.h"

namespace frostnas::quant {
namespace {

// Values that are added at once: three of these fit in the first cache.
constexpr size_t kTile = 4096;

class AddStep final : public TiledStep {
 public:
  AddStep(const AddParams& params, int64_t elements)
      : TiledStep(elements, kTile), params_(params) {}

  std::string kernel() const override {
    return absl::StrCat("simd add ", simd::Target());
  }

 private:
  void RunTile(size_t begin, size_t count) const override {
    uint8_t a[kTile], b[kTile], sum[kTile];
    const auto size = static_cast<int64_t>(count);
    FlipSigns(tensors().src[0] + begin, size, a);
    FlipSigns(tensors().src[1] + begin, size, b);
    simd::Add(params_, {a, count}, {b, count}, {sum, count});
    FlipSigns(sum, size, tensors().dst + begin);
  }

  const AddParams params_;
};

}  // namespace

std::unique_ptr<Step> MakeAddStep(const AddParams& params, int64_t elements) {
  return std::make_unique<AddStep>(params, elements);
}

}  // namespace frostnas::quant
