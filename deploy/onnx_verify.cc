#include "deploy/onnx_verify.h"

#include <exception>

#include "absl/strings/str_cat.h"
#include "onnx/checker.h"
#include "onnx/shape_inference/implementation.h"

namespace frostnas::deploy {

// The one place that meets ONNX's exceptions.
absl::Status VerifyAndInferShapes(onnx::ModelProto& model) {
  const onnx::ShapeInferenceOptions strict(/*check_type_val=*/true,
                                           /*strict_mode_val=*/1);
  try {
    onnx::checker::check_model(model);
    onnx::shape_inference::InferShapes(
        model, onnx::OpSchemaRegistry::Instance(), strict);
  } catch (const std::exception& refused) {
    return absl::InternalError(
        absl::StrCat("ONNX refuses the exported model: ", refused.what()));
  }
  return absl::OkStatus();
}

}  // namespace frostnas::deploy
