#include "deploy/onnx_fusion.h"

#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace frostnas::deploy {
namespace {

constexpr int64_t kMaxModelBytes = int64_t{1} << 30;

// Names of the graph's float values, found by walking it in order.
class FloatValues {
 public:
  explicit FloatValues(const onnx::GraphProto& graph) {
    for (const onnx::ValueInfoProto& input : graph.input()) {
      Set(input.name(),
          input.type().tensor_type().elem_type() == onnx::TensorProto::FLOAT);
    }
    for (const onnx::TensorProto& constant : graph.initializer()) {
      Set(constant.name(), constant.data_type() == onnx::TensorProto::FLOAT);
    }
  }

  // Whether `node`, whose inputs are known, gives floats. Integer operators
  // take scales, so the rest tells from its first input.
  bool Add(const onnx::NodeProto& node) {
    const std::string& op = node.op_type();
    bool is_float = op == "DequantizeLinear";
    if (!is_float && op != "QuantizeLinear" &&
        !absl::StartsWith(op, "QLinear") && op != "QGemm") {
      is_float = node.input_size() > 0 && names_.count(node.input(0)) > 0;
    }
    for (const std::string& output : node.output()) Set(output, is_float);
    return is_float;
  }

 private:
  void Set(const std::string& name, bool is_float) {
    if (is_float) names_.insert(name);
  }

  std::set<std::string> names_;
};

}  // namespace

OnnxFusion FusionOf(const onnx::GraphProto& graph) {
  FloatValues floats(graph);
  OnnxFusion fusion;
  for (const onnx::NodeProto& node : graph.node()) {
    ++fusion.operators[node.op_type()];
    if (floats.Add(node) && node.op_type() != "DequantizeLinear") {
      fusion.in_floats.push_back(
          absl::StrCat(node.name(), " (", node.op_type(), ")"));
    }
  }
  return fusion;
}

absl::StatusOr<OnnxFusion> FusionBy(OnnxRuntime& runtime,
                                    absl::string_view model) {
  ASSIGN_OR_RETURN(const TempDir dir, TempDir::Create());
  const std::string file = JoinPath(dir.path(), "optimized.onnx");
  RETURN_IF_ERROR(runtime.Open(model, {.optimized_model_file = file}).status());
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file, kMaxModelBytes));
  onnx::ModelProto optimized;
  if (!optimized.ParseFromString(bytes)) {
    return absl::DataLossError(
        absl::StrCat("ONNX Runtime ", runtime.version(),
                     ": its optimized graph is not an ONNX model"));
  }
  return FusionOf(optimized.graph());
}

}  // namespace frostnas::deploy
