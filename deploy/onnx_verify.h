// ONNX's own opinion of a model: its checker and its shape inference.
//
// Any thread; ONNX's tables of operators are read only.
#ifndef FROSTNAS_DEPLOY_ONNX_VERIFY_H_
#define FROSTNAS_DEPLOY_ONNX_VERIFY_H_

#include "absl/status/status.h"
#include "onnx/onnx_pb.h"

namespace frostnas::deploy {

// Checks every node against its operator's definition and infers the types and
// shapes of all values, which it writes into the graph's value_info.
// INTERNAL: ONNX refuses the model, with its reason.
absl::Status VerifyAndInferShapes(onnx::ModelProto& model);

}  // namespace frostnas::deploy

#endif  // FROSTNAS_DEPLOY_ONNX_VERIFY_H_
