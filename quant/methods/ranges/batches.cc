#include "quant/methods/ranges/batches.h"

#include "base/status_macros.h"
#include "nn/data/loader.h"
#include "quant/grid.h"

namespace frostnas::quant {

absl::Status ForEachBatch(const CalibrationImages& calibration,
                          const StopToken& stop,
                          absl::FunctionRef<void(const nn::Tensor&)> body) {
  if (calibration.images.count() == 0) {
    return absl::InvalidArgumentError(
        "no calibration images; give at least one");
  }
  nn::Loader loader(
      calibration.images, calibration.info,
      {.batch = calibration.batch, .shuffle = false, .drop_last = false});
  loader.StartEpoch(0);
  while (const nn::Batch* batch = loader.Next()) {
    RETURN_IF_ERROR(stop.Check());
    body(batch->images);
  }
  return absl::OkStatus();
}

nn::Tensor QuantizeInput(const nn::Tensor& images, const nn::AffineGrid& grid) {
  nn::Tensor quantized = images.Clone();
  for (float& value : quantized.span()) {
    value = Dequantize(Quantize(value, grid), grid);
  }
  return quantized;
}

const nn::Tensor& LayerInput(const nn::Network& network,
                             const arch::Layer& layer,
                             const nn::Tensor& images) {
  const int input = layer.inputs[0];
  return input == arch::kGraphInput ? images : network.layer_output(input);
}

}  // namespace frostnas::quant
