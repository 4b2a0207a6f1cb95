#include "deploy/onnx_verify.h"

#include "base/status_matchers.h"
#include "deploy/onnx_export.h"
#include "deploy/testing/packages.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::deploy {
namespace {

using ::testing::HasSubstr;

onnx::ModelProto Model() {
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(*ExportOnnx(HandMadePackage())));
  return model;
}

TEST(OnnxVerifyTest, ShapesOfAllValuesAreInferred) {
  const onnx::ModelProto model = Model();
  for (const onnx::ValueInfoProto& value : model.graph().value_info()) {
    if (value.name() != "b1.conv") continue;
    const auto& type = value.type().tensor_type();
    EXPECT_EQ(type.elem_type(), onnx::TensorProto::UINT8);
    ASSERT_EQ(type.shape().dim_size(), 4);
    EXPECT_EQ(type.shape().dim(1).dim_value(), 2);
    EXPECT_EQ(type.shape().dim(3).dim_value(), 8);
    return;
  }
  FAIL() << "b1.conv has no shape";
}

TEST(OnnxVerifyTest, AnUnknownOperatorIsRefused) {
  onnx::ModelProto model = Model();
  model.mutable_graph()->mutable_node(0)->set_op_type("Mull");
  EXPECT_THAT(VerifyAndInferShapes(model),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("Mull")));
}

TEST(OnnxVerifyTest, AShapeThatDoesNotFitIsRefused) {
  onnx::ModelProto model = Model();
  model.mutable_graph()
      ->mutable_output(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(1)
      ->set_dim_value(3);
  EXPECT_THAT(VerifyAndInferShapes(model),
              StatusIs(absl::StatusCode::kInternal));
}

TEST(OnnxVerifyTest, ANodeAheadOfItsInputIsRefused) {
  onnx::ModelProto model = Model();
  model.mutable_graph()->mutable_node()->SwapElements(0, 1);
  EXPECT_THAT(VerifyAndInferShapes(model),
              StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace frostnas::deploy
