// An exported file in ONNX Runtime against the plain kernels, layer by layer.
//
// Each layer's kernel is given what ONNX Runtime computed before it, so that a
// difference is that layer's own and does not grow on its way to the logits.
#ifndef FROSTNAS_DEPLOY_TESTING_LAYER_AGREEMENT_H_
#define FROSTNAS_DEPLOY_TESTING_LAYER_AGREEMENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "deploy/onnx_runtime.h"
#include "proto/frostnas/v1/package.pb.h"

namespace frostnas::deploy {

struct LayerAgreement {
  std::string name;  // of the layer, or "input"
  int64_t values = 0;
  int64_t different = 0;
  int largest = 0;  // difference, steps
};

// `pixels`: whole images, uint8 NHWC. Layers that only pass their input on are
// left out. Errors as CheckOnnx.
absl::StatusOr<std::vector<LayerAgreement>> CompareLayers(
    const v1::Package& package, absl::string_view model,
    absl::Span<const uint8_t> pixels, OnnxRuntime& runtime);

// Fails the test where a value differs by more than a step, or more than one in
// 10^5 differs. Of sums ("s3b1.add") one in 100 may: ONNX Runtime's addition
// rounds before the sum is complete, so that a pair of values whose sum is
// within 10^-5 of the middle of two steps can go to the other one, as often as
// the pair comes.
void ExpectAgreement(const LayerAgreement& layer);

}  // namespace frostnas::deploy

#endif  // FROSTNAS_DEPLOY_TESTING_LAYER_AGREEMENT_H_
