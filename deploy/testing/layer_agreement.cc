#include "deploy/testing/layer_agreement.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "arch/graph.h"
#include "base/status_macros.h"
#include "deploy/onnx_export.h"
#include "deploy/planes.h"
#include "gtest/gtest.h"
#include "onnx/onnx_pb.h"
#include "quant/graph_executor.h"
#include "quant/kernels/reference_layer.h"
#include "quant/layer_params.h"

namespace frostnas::deploy {
namespace {

using Stored = std::vector<uint8_t>;  // NHWC

std::string ProbeOf(const std::string& tensor) {
  return absl::StrCat(tensor, ".probe");
}

// `model` with a float output for each quantized tensor, of a reader of its
// own, so that runtimes fuse as they do without.
absl::StatusOr<std::string> WithProbes(absl::string_view bytes) {
  onnx::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError("not an ONNX model");
  }
  onnx::GraphProto& graph = *model.mutable_graph();
  std::vector<onnx::NodeProto> probes;
  for (const onnx::NodeProto& node : graph.node()) {
    if (node.op_type() != "QuantizeLinear") continue;
    onnx::NodeProto& probe = probes.emplace_back();
    probe.set_op_type("DequantizeLinear");
    probe.set_name(ProbeOf(node.output(0)));
    probe.add_input(node.output(0));
    probe.add_input(node.input(1));
    probe.add_input(node.input(2));
    probe.add_output(probe.name());
    onnx::ValueInfoProto& output = *graph.add_output();
    output.set_name(probe.name());
    output.mutable_type()->mutable_tensor_type()->set_elem_type(
        onnx::TensorProto::FLOAT);
  }
  for (onnx::NodeProto& probe : probes) *graph.add_node() = std::move(probe);
  return model.SerializeAsString();
}

class Comparer {
 public:
  Comparer(const quant::ExecutableGraph& network, OnnxSession& session,
           absl::Span<const uint8_t> pixels)
      : network_(network),
        quantized_(network.quantized),
        session_(session),
        pixels_(pixels),
        planes_(ToPlanes(pixels, quantized_.graph.input)),
        batch_(static_cast<int>(pixels.size() /
                                quant::Elements(quantized_.graph.input))) {}

  absl::StatusOr<std::vector<LayerAgreement>> CompareAll() {
    ASSIGN_OR_RETURN(Stored input,
                     Probe("input", quantized_.input, quantized_.graph.input));
    Compare("input", StoredPixels(), input);
    tensors_.push_back(std::move(input));
    for (size_t i = 0; i < quantized_.graph.layers.size(); ++i) {
      RETURN_IF_ERROR(CompareLayer(static_cast<int>(i)));
    }
    return std::move(agreements_);
  }

 private:
  absl::Status CompareLayer(int index) {
    const arch::Layer& layer = quantized_.graph.layers[index];
    if (layer.kind == arch::LayerKind::kDropout) {
      tensors_.push_back(TensorOf(layer.inputs[0]));
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(Stored actual,
                     Probe(layer.name, quantized_.grid(index), layer.out));
    Stored expected(actual.size());
    quant::LayerTensors tensors = {.batch = batch_,
                                   .a = TensorOf(layer.inputs[0]),
                                   .dst = absl::MakeSpan(expected)};
    if (layer.inputs.size() > 1) tensors.b = TensorOf(layer.inputs[1]);
    quant::RunReferenceLayer(quantized_, index, tensors);
    Compare(layer.name, expected, actual);
    tensors_.push_back(std::move(actual));
    return absl::OkStatus();
  }

  // What the runtime computed, on the package's grid.
  absl::StatusOr<Stored> Probe(const std::string& tensor,
                               const v1::ActivationGrid& grid,
                               const arch::FeatureShape& shape) {
    ASSIGN_OR_RETURN(const OnnxTensor real,
                     session_.Run(kOnnxInput, planes_, ProbeOf(tensor)));
    const std::vector<float> values = FromPlanes(real, shape);
    if (static_cast<int64_t>(values.size()) !=
        batch_ * quant::Elements(shape)) {
      return absl::InternalError(absl::StrCat(tensor, " has another shape"));
    }
    Stored stored;
    for (float value : values) {
      // What only concats read is clamped by them.
      stored.push_back(static_cast<uint8_t>(std::min<int64_t>(
          std::llrint(value / grid.scale()) + grid.zero_point(), 255)));
    }
    return stored;
  }

  Stored StoredPixels() const {
    const int channels = quantized_.graph.input.channels;
    Stored stored;
    for (size_t i = 0; i < pixels_.size(); ++i) {
      stored.push_back(network_.input_table[i % channels][pixels_[i]]);
    }
    return stored;
  }

  void Compare(const std::string& name, const Stored& expected,
               const Stored& actual) {
    LayerAgreement agreement = {.name = name,
                                .values = static_cast<int64_t>(actual.size())};
    for (size_t i = 0; i < actual.size(); ++i) {
      const int difference = std::abs(expected[i] - actual[i]);
      agreement.different += difference > 0 ? 1 : 0;
      agreement.largest = std::max(agreement.largest, difference);
    }
    agreements_.push_back(agreement);
  }

  const Stored& TensorOf(int index) const { return tensors_[index + 1]; }

  const quant::ExecutableGraph& network_;
  const quant::QuantizedGraph& quantized_;
  OnnxSession& session_;
  const absl::Span<const uint8_t> pixels_;
  const OnnxTensor planes_;
  const int batch_;
  std::vector<Stored> tensors_;  // by index + 1
  std::vector<LayerAgreement> agreements_;
};

}  // namespace

absl::StatusOr<std::vector<LayerAgreement>> CompareLayers(
    const v1::Package& package, absl::string_view model,
    absl::Span<const uint8_t> pixels, OnnxRuntime& runtime) {
  ASSIGN_OR_RETURN(const quant::ExecutableGraph network,
                   quant::MakeExecutable(package));
  ASSIGN_OR_RETURN(const std::string probed, WithProbes(model));
  ASSIGN_OR_RETURN(const auto session, runtime.Open(probed, {}));
  return Comparer(network, *session, pixels).CompareAll();
}

void ExpectAgreement(const LayerAgreement& layer) {
  SCOPED_TRACE(layer.name);
  EXPECT_LE(layer.largest, 1);
  const double share = absl::EndsWith(layer.name, ".add") ? 1e-2 : 1e-5;
  EXPECT_LE(layer.different, share * static_cast<double>(layer.values));
}

}  // namespace frostnas::deploy
