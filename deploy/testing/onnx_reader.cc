#include "deploy/testing/onnx_reader.h"

#include <algorithm>
#include <cstring>

#include "gtest/gtest.h"

namespace frostnas::deploy {
namespace {

bool Has(const google::protobuf::RepeatedPtrField<std::string>& names,
         const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const onnx::NodeProto& NoNode(const std::string& value) {
  static const auto* const kNone = new onnx::NodeProto();
  ADD_FAILURE() << "no node at " << value;
  return *kNone;
}

template <typename T>
std::vector<double> ValuesAs(const std::string& raw) {
  std::vector<double> values;
  for (size_t at = 0; at + sizeof(T) <= raw.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, raw.data() + at, sizeof(T));
    values.push_back(static_cast<double>(value));
  }
  return values;
}

}  // namespace

OnnxReader::OnnxReader(const std::string& bytes) {
  EXPECT_TRUE(model_.ParseFromString(bytes));
}

const onnx::NodeProto& OnnxReader::Producer(const std::string& value) const {
  for (const onnx::NodeProto& node : graph().node()) {
    if (Has(node.output(), value)) return node;
  }
  return NoNode(value);
}

const onnx::NodeProto& OnnxReader::Reader(const std::string& value) const {
  EXPECT_EQ(Readers(value), 1) << value;
  for (const onnx::NodeProto& node : graph().node()) {
    if (Has(node.input(), value)) return node;
  }
  return NoNode(value);
}

int OnnxReader::Readers(const std::string& value) const {
  int readers = 0;
  for (const onnx::NodeProto& node : graph().node()) {
    readers += Has(node.input(), value);
  }
  return readers;
}

const onnx::TensorProto& OnnxReader::Constant(const std::string& name) const {
  static const auto* const kNone = new onnx::TensorProto();
  for (const onnx::TensorProto& constant : graph().initializer()) {
    if (constant.name() == name) return constant;
  }
  ADD_FAILURE() << "no constant " << name;
  return *kNone;
}

std::vector<int64_t> OnnxReader::Dims(const std::string& constant) const {
  const auto& dims = Constant(constant).dims();
  return {dims.begin(), dims.end()};
}

onnx::TensorProto::DataType OnnxReader::Type(
    const std::string& constant) const {
  return static_cast<onnx::TensorProto::DataType>(
      Constant(constant).data_type());
}

std::vector<double> OnnxReader::Values(const std::string& constant) const {
  const std::string& raw = Constant(constant).raw_data();
  switch (Type(constant)) {
    case onnx::TensorProto::FLOAT:
      return ValuesAs<float>(raw);
    case onnx::TensorProto::INT32:
      return ValuesAs<int32_t>(raw);
    case onnx::TensorProto::INT8:
      return ValuesAs<int8_t>(raw);
    case onnx::TensorProto::UINT8:
      return ValuesAs<uint8_t>(raw);
    default:
      ADD_FAILURE() << constant << " has a type not expected";
      return {};
  }
}

std::vector<int64_t> OnnxReader::Attribute(const onnx::NodeProto& node,
                                           absl::string_view name) {
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (attribute.name() != name) continue;
    if (attribute.type() == onnx::AttributeProto::INT) return {attribute.i()};
    return {attribute.ints().begin(), attribute.ints().end()};
  }
  ADD_FAILURE() << node.name() << " has no " << name;
  return {};
}

std::map<std::string, int> OnnxReader::Operators() const {
  std::map<std::string, int> operators;
  for (const onnx::NodeProto& node : graph().node()) {
    ++operators[node.op_type()];
  }
  return operators;
}

}  // namespace frostnas::deploy
