#include "tests/bench/works/inputs.h"

#include "arch/presets.h"
#include "base/check.h"
#include "base/random.h"

namespace frostnas::bench {

v1::Architecture FrostNetSmall(double width, int pixels, int classes) {
  auto architecture = arch::PresetArchitecture(
      "frostnet_small",
      {.width = width, .input_size = pixels, .num_classes = classes});
  CHECK_OK(architecture);
  return *std::move(architecture);
}

nn::Batch NoiseBatch() {
  Random random(7);
  nn::Batch batch;
  batch.images =
      nn::Tensor({kTrainingBatch, kTrainingPixels, kTrainingPixels, 3});
  for (float& value : batch.images.span()) {
    value = static_cast<float>(random.Normal());
  }
  for (int i = 0; i < kTrainingBatch; ++i) {
    batch.labels.push_back(
        static_cast<int32_t>(random.UniformInt(kTrainingClasses)));
  }
  return batch;
}

nn::OptimizerOptions OptimizerOptionsOf(nn::OptimizerKind kind) {
  nn::OptimizerOptions options;
  options.kind = kind;
  options.weight_decay = kind == nn::OptimizerKind::kSgd ? 1e-4 : 0.2;
  return options;
}

}  // namespace frostnas::bench
