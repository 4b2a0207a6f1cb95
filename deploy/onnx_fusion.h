// What a runtime makes of an exported file: which operators of its optimized
// graph compute in integers and which are left in floats.
//
// Any thread.
#ifndef FROSTNAS_DEPLOY_ONNX_FUSION_H_
#define FROSTNAS_DEPLOY_ONNX_FUSION_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "deploy/onnx_runtime.h"
#include "onnx/onnx_pb.h"

namespace frostnas::deploy {

struct OnnxFusion {
  // Nodes by operator, "QLinearConv" for example.
  std::map<std::string, int> operators;
  // "NAME (OPERATOR)" of nodes that compute in floats, in the graph's order.
  // The two of the normalisation, input.scaled and input.normalized, always
  // do; quantizing and dequantizing is not counted.
  std::vector<std::string> in_floats;
};

// Of a graph in which a runtime has fused what it can.
OnnxFusion FusionOf(const onnx::GraphProto& graph);

// Of the graph that `runtime` runs for `model`, a serialized ModelProto. Codes
// of OnnxRuntime and of base/file.h; DATA_LOSS: the runtime writes no model.
absl::StatusOr<OnnxFusion> FusionBy(OnnxRuntime& runtime,
                                    absl::string_view model);

}  // namespace frostnas::deploy

#endif  // FROSTNAS_DEPLOY_ONNX_FUSION_H_
