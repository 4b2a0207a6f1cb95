#include "quant/xnnpack/add_step.h"

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

// Values that are added at once: three of these fit in the first cache.
constexpr size_t kTile = 4096;

class AddStep final : public Step {
 public:
  AddStep(const AddParams& params, int64_t elements)
      : params_(params), elements_(elements) {}

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
          static_cast<AddStep*>(self)->AddTile(begin, count);
        },
        this, tensors_.batch * elements_, kTile, /*flags=*/0);
  }

  std::string kernel() const override {
    return absl::StrCat("simd add ", simd::Target());
  }

 private:
  void AddTile(size_t begin, size_t count) const {
    uint8_t a[kTile], b[kTile], sum[kTile];
    const auto size = static_cast<int64_t>(count);
    FlipSigns(tensors_.src[0] + begin, size, a);
    FlipSigns(tensors_.src[1] + begin, size, b);
    simd::Add(params_, {a, count}, {b, count}, {sum, count});
    FlipSigns(sum, size, tensors_.dst + begin);
  }

  const AddParams params_;
  const int64_t elements_;
  StepTensors tensors_;
  ThreadPool threads_;
};

}  // namespace

std::unique_ptr<Step> MakeAddStep(const AddParams& params, int64_t elements) {
  return std::make_unique<AddStep>(params, elements);
}

}  // namespace frostnas::quant
