// Normalised images for calibration, batch by batch, and what a layer reads.
#ifndef FROSTNAS_QUANT_METHODS_RANGES_BATCHES_H_
#define FROSTNAS_QUANT_METHODS_RANGES_BATCHES_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "arch/graph.h"
#include "base/stop.h"
#include "nn/data/image_set.h"
#include "nn/network.h"
#include "nn/quant_hooks.h"
#include "nn/tensor.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::quant {

// Calibration images and how they are normalised; not owned.
struct CalibrationImages {
  const nn::ImageSet& images;
  const v1::DatasetInfo& info;
  int batch = 64;
};

// Calls `body` with every image once, in order; the last batch may be smaller.
// INVALID_ARGUMENT: there are no images. CANCELLED: a stop was requested.
absl::Status ForEachBatch(const CalibrationImages& calibration,
                          const StopToken& stop,
                          absl::FunctionRef<void(const nn::Tensor&)> body);

// `images` on the grid of a quantized network's input. A fake-quantized network
// computes the same from these.
nn::Tensor QuantizeInput(const nn::Tensor& images, const nn::AffineGrid& grid);

// What `layer` read (its first input) in the last forward pass of `network`,
// which was over `images`. Valid as long as both.
const nn::Tensor& LayerInput(const nn::Network& network,
                             const arch::Layer& layer,
                             const nn::Tensor& images);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_RANGES_BATCHES_H_
