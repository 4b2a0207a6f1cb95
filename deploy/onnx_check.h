// Runs an exported file and its package on the same images and compares.
//
// Any thread, one run at a time: the integer executor uses all of
// nn::ComputeThreads().
#ifndef FROSTNAS_DEPLOY_ONNX_CHECK_H_
#define FROSTNAS_DEPLOY_ONNX_CHECK_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/stop.h"
#include "deploy/export_check.h"
#include "deploy/onnx_runtime.h"
#include "proto/frostnas/v1/package.pb.h"

namespace frostnas::deploy {

struct OnnxCheckOptions {
  int threads = 1;  // of the runtime
  StopToken stop;
};

// `pixels`: whole images of the package's input, uint8 NHWC, at least one.
// INVALID_ARGUMENT: not such pixels, a bad package, or a model that the runtime
// refuses or whose logits have another shape. CANCELLED: stop was requested.
absl::StatusOr<ExportCheck> CheckOnnx(const v1::Package& package,
                                      absl::string_view model,
                                      absl::Span<const uint8_t> pixels,
                                      OnnxRuntime& runtime,
                                      const OnnxCheckOptions& options);

}  // namespace frostnas::deploy

#endif  // FROSTNAS_DEPLOY_ONNX_CHECK_H_
