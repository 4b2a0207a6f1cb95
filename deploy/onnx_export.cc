#include "deploy/onnx_export.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "arch/digest.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "deploy/input_scaling.h"
#include "deploy/onnx_graph.h"
#include "deploy/onnx_layers.h"
#include "deploy/onnx_verify.h"
#include "nlohmann/json.hpp"
#include "onnx/onnx_pb.h"
#include "quant/graph_executor.h"
#include "quant/package.h"

namespace frostnas::deploy {
namespace {

// The first opset whose DequantizeLinear has an axis, and the IR version of
// ONNX 1.8, which came with it: whatever reads the operators reads the file.
constexpr int kOpset = 13;
constexpr int kIrVersion = 7;

void AddMetadata(onnx::ModelProto& model, const std::string& key,
                 const std::string& value) {
  if (value.empty()) return;
  onnx::StringStringEntryProto& entry = *model.add_metadata_props();
  entry.set_key(absl::StrCat("frostnas.", key));
  entry.set_value(value);
}

// Names are the data set's: bytes that are not UTF-8 are replaced.
std::string JsonList(const std::vector<std::string>& names) {
  if (names.empty()) return "";
  return nlohmann::json(names).dump(-1, ' ', false,
                                    nlohmann::json::error_handler_t::replace);
}

void Describe(const v1::Package& package, const arch::Graph& graph,
              onnx::ModelProto& model) {
  model.set_ir_version(kIrVersion);
  onnx::OperatorSetIdProto& opset = *model.add_opset_import();
  opset.set_domain("");
  opset.set_version(kOpset);
  model.set_producer_name("frostnas");
  model.set_doc_string(
      "INT8 image classifier. image: N x C x H x W, raw 0..255; logits: N x "
      "classes.");
  AddMetadata(model, "package_sha256",
              Sha256Hex(quant::SerializePackage(package)));
  AddMetadata(model, "architecture_sha256", arch::GraphDigest(graph));
  AddMetadata(model, "dataset", package.dataset().name());
  AddMetadata(model, "dataset_sha256", package.dataset().sha256());
  AddMetadata(model, "classes",
              JsonList({package.dataset().class_names().begin(),
                        package.dataset().class_names().end()}));
}

// Raw pixels to the stored input: one product, one sum and one quantization
// for each channel.
absl::StatusOr<QuantizedTensor> AddInput(const v1::Package& package,
                                         const quant::ExecutableGraph& network,
                                         OnnxGraphBuilder& builder) {
  const v1::InputTransform& input = package.input();
  std::vector<float> factors, offsets;
  for (int c = 0; c < input.mean_size(); ++c) {
    const PixelScaling scaling =
        FoldNormalization({.mean = input.mean(c),
                           .stddev = input.stddev(c),
                           .table = network.input_table[c],
                           .grid = input.grid()});
    if (!std::isfinite(scaling.factor) || !std::isfinite(scaling.offset)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "input.mean[", c, "] and input.stddev[", c,
          "]: their quotient is beyond the numbers that ONNX can hold"));
    }
    factors.push_back(scaling.factor);
    offsets.push_back(scaling.offset);
  }
  const int64_t channels = input.mean_size();
  const int64_t size = network.quantized.graph.input.size;
  builder.DeclareInput(kOnnxInput, {channels, size, size});
  const OnnxGraphBuilder::Shape shape = {1, channels, 1, 1};
  builder.AddNode(
      "Mul", "input.scaled",
      {kOnnxInput, builder.AddFloats("input.factor", shape, factors)});
  builder.AddNode(
      "Add", "input.normalized",
      {"input.scaled", builder.AddFloats("input.offset", shape, offsets)});
  return builder.Quantize("input.normalized", "input", input.grid());
}

}  // namespace

absl::StatusOr<std::string> ExportOnnx(const v1::Package& package) {
  ASSIGN_OR_RETURN(const quant::ExecutableGraph network,
                   quant::MakeExecutable(package));
  onnx::ModelProto model;
  Describe(package, network.quantized.graph, model);
  model.mutable_graph()->set_name(package.architecture().name().empty()
                                      ? "network"
                                      : package.architecture().name());
  OnnxGraphBuilder builder(model.mutable_graph());
  ASSIGN_OR_RETURN(const QuantizedTensor input,
                   AddInput(package, network, builder));
  ASSIGN_OR_RETURN(const QuantizedTensor output,
                   AddLayers(network.quantized, input, builder));
  builder.Dequantize(output, kOnnxOutput);
  builder.DeclareOutput(kOnnxOutput, {network.quantized.graph.num_classes});
  RETURN_IF_ERROR(VerifyAndInferShapes(model));
  return model.SerializeAsString();
}

}  // namespace frostnas::deploy
