// Building blocks of an exported graph: constants, nodes, and the quantized
// tensors between them.
//
// A quantized tensor is stored as uint8 and read through a DequantizeLinear of
// its own for each reader, which is the form in which runtimes recognise
// integer operators. Names follow from the layer's: "s3b1.expand" is the
// layer's stored output, "s3b1.expand.conv" its operator.
//
// The proto given must outlive the builder. Thread-compatible.
#ifndef FROSTNAS_DEPLOY_ONNX_GRAPH_H_
#define FROSTNAS_DEPLOY_ONNX_GRAPH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "onnx/onnx_pb.h"
#include "proto/frostnas/v1/package.pb.h"

namespace frostnas::deploy {

// A uint8 tensor of the graph and the names of its grid's constants.
struct QuantizedTensor {
  std::string name;
  std::string scale;
  std::string zero_point;
};

class OnnxGraphBuilder {
 public:
  using Shape = std::vector<int64_t>;

  explicit OnnxGraphBuilder(onnx::GraphProto* graph) : graph_(*graph) {}

  // A constant; returns its name. An empty shape is a scalar.
  std::string AddFloats(const std::string& name, const Shape& shape,
                        absl::Span<const float> values);
  // DequantizeLinear of constants with zero point 0 and a scale for each index
  // of the first dimension; returns the dequantized value.
  std::string AddWeights(const std::string& name, const Shape& shape,
                         absl::string_view int8_values,
                         absl::Span<const float> scales);
  std::string AddBias(const std::string& name, absl::Span<const int32_t> values,
                      absl::Span<const float> scales);

  // A node and its only output, both called `name`. The reference is valid
  // until the next node is added; attributes are set through it.
  onnx::NodeProto& AddNode(const std::string& op, const std::string& name,
                           const std::vector<std::string>& inputs);

  // QuantizeLinear of `value` to `grid`.
  QuantizedTensor Quantize(const std::string& value, const std::string& name,
                           const v1::ActivationGrid& grid);
  // DequantizeLinear, called `name`, for one reader.
  std::string Dequantize(const QuantizedTensor& tensor,
                         const std::string& name);

  // Declares the graph's input and output: float32, batch x `dims`.
  void DeclareInput(const std::string& name, const Shape& dims);
  void DeclareOutput(const std::string& name, const Shape& dims);

 private:
  std::string AddRaw(const std::string& name, onnx::TensorProto::DataType type,
                     const Shape& shape, absl::string_view bytes);
  std::string DequantizeChannels(const std::string& constant,
                                 const std::string& zero_point,
                                 absl::Span<const float> scales);

  onnx::GraphProto& graph_;
};

void SetAttribute(onnx::NodeProto& node, const std::string& name,
                  int64_t value);
void SetAttribute(onnx::NodeProto& node, const std::string& name,
                  const std::vector<int64_t>& values);

}  // namespace frostnas::deploy

#endif  // FROSTNAS_DEPLOY_ONNX_GRAPH_H_
