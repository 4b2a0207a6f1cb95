#include "deploy/onnx_fusion.h"

#include <vector>

#include "deploy/onnx_graph.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::deploy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class OnnxFusionTest : public ::testing::Test {
 protected:
  OnnxFusionTest() : builder_(&graph_) {
    builder_.DeclareInput("x", {3});
    builder_.AddFloats("scale", {}, {0.5f});
    builder_.AddNode("QuantizeLinear", "stored", {"x", "scale", "zero"});
  }

  onnx::GraphProto graph_;
  OnnxGraphBuilder builder_;
};

TEST_F(OnnxFusionTest, IntegerOperatorsAndWhatMovesTheirValuesAreNotInFloats) {
  builder_.AddNode("QLinearConv", "conv", {"stored", "scale"});
  builder_.AddNode("Transpose", "moved", {"conv"});
  builder_.AddNode("MaxPool", "pooled", {"moved"});
  builder_.AddNode("QLinearConcat", "concat", {"scale", "zero", "pooled"});
  builder_.AddNode("QGemm", "gemm", {"concat", "scale"});
  builder_.AddNode("DequantizeLinear", "logits", {"gemm", "scale"});
  const OnnxFusion fusion = FusionOf(graph_);
  EXPECT_THAT(fusion.in_floats, IsEmpty());
  EXPECT_THAT(fusion.operators,
              ElementsAre(Pair("DequantizeLinear", 1), Pair("MaxPool", 1),
                          Pair("QGemm", 1), Pair("QLinearConcat", 1),
                          Pair("QLinearConv", 1), Pair("QuantizeLinear", 1),
                          Pair("Transpose", 1)));
}

TEST_F(OnnxFusionTest, OperatorsOnDequantizedValuesAreInFloats) {
  builder_.AddNode("DequantizeLinear", "real", {"stored", "scale"});
  builder_.AddNode("Conv", "conv", {"real", "w"});
  builder_.AddNode("Relu", "relu", {"conv"});
  builder_.AddNode("QuantizeLinear", "again", {"relu", "scale"});
  EXPECT_THAT(FusionOf(graph_).in_floats,
              ElementsAre("conv (Conv)", "relu (Relu)"));
}

}  // namespace
}  // namespace frostnas::deploy
