// Feature maps between our order and ONNX's.
//
// Pure functions; any thread.
#ifndef FROSTNAS_DEPLOY_PLANES_H_
#define FROSTNAS_DEPLOY_PLANES_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "arch/graph.h"
#include "deploy/onnx_runtime.h"

namespace frostnas::deploy {

// Whole images, batch x height x width x channels, as batch x channels x height
// x width.
OnnxTensor ToPlanes(absl::Span<const uint8_t> pixels,
                    const arch::FeatureShape& shape);

// The values of a batch of maps of `shape`, or of rows of its channels, back in
// our order.
std::vector<float> FromPlanes(const OnnxTensor& tensor,
                              const arch::FeatureShape& shape);

}  // namespace frostnas::deploy

#endif  // FROSTNAS_DEPLOY_PLANES_H_
