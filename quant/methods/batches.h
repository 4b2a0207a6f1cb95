// Normalised images for calibration, batch by batch.
#ifndef FROSTNAS_QUANT_METHODS_BATCHES_H_
#define FROSTNAS_QUANT_METHODS_BATCHES_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "base/stop.h"
#include "nn/data/image_set.h"
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

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_BATCHES_H_
