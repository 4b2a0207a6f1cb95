// Any layer of a QuantizedGraph by its plain kernel.
//
// Pure function; any thread.
#ifndef FROSTNAS_QUANT_KERNELS_REFERENCE_LAYER_H_
#define FROSTNAS_QUANT_KERNELS_REFERENCE_LAYER_H_

#include <cstdint>

#include "absl/types/span.h"
#include "quant/quantized_graph.h"

namespace frostnas::quant {

// Stored tensors of a layer, for `batch` images; b is the second input of
// concat and add.
struct LayerTensors {
  int batch = 1;
  absl::Span<const uint8_t> a;
  absl::Span<const uint8_t> b;
  absl::Span<uint8_t> dst;
};

void RunReferenceLayer(const QuantizedGraph& quantized, int index,
                       const LayerTensors& tensors);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_KERNELS_REFERENCE_LAYER_H_
