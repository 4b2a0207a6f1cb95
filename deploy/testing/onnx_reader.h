// Looking at an exported graph in tests.
#ifndef FROSTNAS_DEPLOY_TESTING_ONNX_READER_H_
#define FROSTNAS_DEPLOY_TESTING_ONNX_READER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "onnx/onnx_pb.h"

namespace frostnas::deploy {

class OnnxReader {
 public:
  // Fails the test when `bytes` are no model.
  explicit OnnxReader(const std::string& bytes);

  const onnx::ModelProto& model() const { return model_; }
  const onnx::GraphProto& graph() const { return model_.graph(); }

  // The node that gives `value`, or the only one that reads it. Fails the test
  // and gives an empty node when there is none.
  const onnx::NodeProto& Producer(const std::string& value) const;
  const onnx::NodeProto& Reader(const std::string& value) const;
  int Readers(const std::string& value) const;

  // A constant's dimensions and its values, whatever their type.
  std::vector<int64_t> Dims(const std::string& constant) const;
  std::vector<double> Values(const std::string& constant) const;
  onnx::TensorProto::DataType Type(const std::string& constant) const;

  // An attribute's integers, or its only one.
  static std::vector<int64_t> Attribute(const onnx::NodeProto& node,
                                        absl::string_view name);

  // How many nodes of each operator there are.
  std::map<std::string, int> Operators() const;

 private:
  const onnx::TensorProto& Constant(const std::string& name) const;

  onnx::ModelProto model_;
};

}  // namespace frostnas::deploy

#endif  // FROSTNAS_DEPLOY_TESTING_ONNX_READER_H_
