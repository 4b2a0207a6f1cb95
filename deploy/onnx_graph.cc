#include "deploy/onnx_graph.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace frostnas::deploy {
namespace {

constexpr char kBatch[] = "batch";

// Raw tensor data is little endian, as this machine's memory.
template <typename T>
absl::string_view BytesOf(absl::Span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()),
          values.size() * sizeof(T)};
}

std::string ScaleName(const std::string& tensor) {
  return absl::StrCat(tensor, ".scale");
}

std::string ZeroPointName(const std::string& tensor) {
  return absl::StrCat(tensor, ".zero_point");
}

void SetFloatTensor(onnx::ValueInfoProto& info, const std::string& name,
                    const std::vector<int64_t>& dims) {
  info.set_name(name);
  onnx::TypeProto::Tensor& type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param(kBatch);
  for (int64_t dim : dims) type.mutable_shape()->add_dim()->set_dim_value(dim);
}

}  // namespace

std::string OnnxGraphBuilder::AddRaw(const std::string& name,
                                     onnx::TensorProto::DataType type,
                                     const Shape& shape,
                                     absl::string_view bytes) {
  onnx::TensorProto& tensor = *graph_.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(type);
  for (int64_t dim : shape) tensor.add_dims(dim);
  tensor.set_raw_data(bytes.data(), bytes.size());
  return name;
}

std::string OnnxGraphBuilder::AddFloats(const std::string& name,
                                        const Shape& shape,
                                        absl::Span<const float> values) {
  return AddRaw(name, onnx::TensorProto::FLOAT, shape, BytesOf(values));
}

std::string OnnxGraphBuilder::AddWeights(const std::string& name,
                                         const Shape& shape,
                                         absl::string_view int8_values,
                                         absl::Span<const float> scales) {
  const auto type = onnx::TensorProto::INT8;
  AddRaw(name, type, shape, int8_values);
  const int64_t channels = static_cast<int64_t>(scales.size());
  return DequantizeChannels(
      name,
      AddRaw(ZeroPointName(name), type, {channels}, std::string(channels, 0)),
      scales);
}

std::string OnnxGraphBuilder::AddBias(const std::string& name,
                                      absl::Span<const int32_t> values,
                                      absl::Span<const float> scales) {
  const auto type = onnx::TensorProto::INT32;
  const int64_t channels = static_cast<int64_t>(scales.size());
  AddRaw(name, type, {channels}, BytesOf(values));
  const std::vector<int32_t> zeros(channels);
  return DequantizeChannels(name,
                            AddRaw(ZeroPointName(name), type, {channels},
                                   BytesOf(absl::MakeConstSpan(zeros))),
                            scales);
}

std::string OnnxGraphBuilder::DequantizeChannels(
    const std::string& constant, const std::string& zero_point,
    absl::Span<const float> scales) {
  const std::string scale = AddFloats(
      ScaleName(constant), {static_cast<int64_t>(scales.size())}, scales);
  const std::string name = absl::StrCat(constant, ".dequantized");
  SetAttribute(AddNode("DequantizeLinear", name, {constant, scale, zero_point}),
               "axis", int64_t{0});
  return name;
}

onnx::NodeProto& OnnxGraphBuilder::AddNode(
    const std::string& op, const std::string& name,
    const std::vector<std::string>& inputs) {
  onnx::NodeProto& node = *graph_.add_node();
  node.set_op_type(op);
  node.set_name(name);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(name);
  return node;
}

QuantizedTensor OnnxGraphBuilder::Quantize(const std::string& value,
                                           const std::string& name,
                                           const v1::ActivationGrid& grid) {
  const char zero_point = static_cast<char>(grid.zero_point());
  const QuantizedTensor tensor = {
      .name = name,
      .scale = AddFloats(ScaleName(name), {}, {grid.scale()}),
      .zero_point = AddRaw(ZeroPointName(name), onnx::TensorProto::UINT8, {},
                           {&zero_point, 1})};
  AddNode("QuantizeLinear", name, {value, tensor.scale, tensor.zero_point});
  return tensor;
}

std::string OnnxGraphBuilder::Dequantize(const QuantizedTensor& tensor,
                                         const std::string& name) {
  AddNode("DequantizeLinear", name,
          {tensor.name, tensor.scale, tensor.zero_point});
  return name;
}

void OnnxGraphBuilder::DeclareInput(const std::string& name,
                                    const Shape& dims) {
  SetFloatTensor(*graph_.add_input(), name, dims);
}

void OnnxGraphBuilder::DeclareOutput(const std::string& name,
                                     const Shape& dims) {
  SetFloatTensor(*graph_.add_output(), name, dims);
}

void SetAttribute(onnx::NodeProto& node, const std::string& name,
                  int64_t value) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
}

void SetAttribute(onnx::NodeProto& node, const std::string& name,
                  const std::vector<int64_t>& values) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INTS);
  for (int64_t value : values) attribute.add_ints(value);
}

}  // namespace frostnas::deploy
