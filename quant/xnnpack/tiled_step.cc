#include "quant/xnnpack/tiled_step.h"

#include <pthreadpool.h>

namespace frostnas::quant {

absl::Status TiledStep::SetUp(const StepTensors& tensors,
                              const ThreadPool& threads) {
  tensors_ = tensors;
  threads_ = threads;
  return absl::OkStatus();
}

void TiledStep::Execute() {
  pthreadpool_parallelize_1d_tile_1d(
      threads_.get(),
      [](void* self, size_t begin, size_t count) {
        static_cast<const TiledStep*>(self)->RunTile(begin, count);
      },
      this, tensors_.batch * units_, tile_, /*flags=*/0);
}

}  // namespace frostnas::quant
