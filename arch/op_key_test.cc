#include "arch/op_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "arch/graph.h"
#include "arch/presets.h"
#include "base/status_matchers.h"

namespace frostnas::arch {
namespace {

using ::testing::HasSubstr;

Graph Preset(const std::string& name) {
  const auto architecture = PresetArchitecture(name, {});
  EXPECT_OK(architecture);
  return *ExpandArchitecture(*architecture);
}

TEST(OpKeyTest, SaysWhatDecidesTheTime) {
  const Graph graph = Preset("frostnet_small");
  EXPECT_EQ(OpKeyText(*OpKeyOf(graph.layers[0])),
            "conv size=224 in=3 out=32 kernel=3 stride=2 activation=2");
  EXPECT_EQ(OpKeyText(*OpKeyOf(graph.layers.back())),
            "linear size=1 in=1280 out=1000 kernel=1 stride=1 activation=1");
}

TEST(OpKeyTest, DropoutHasNone) {
  Layer dropout;
  dropout.kind = LayerKind::kDropout;
  EXPECT_EQ(OpKeyOf(dropout), std::nullopt);
}

// Every layer of every preset survives the way to a key and back.
TEST(OpKeyTest, LayerOfGivesBackShapeAndKind) {
  for (const std::string& name : PresetNames()) {
    for (const Layer& layer : Preset(name).layers) {
      const std::optional<v1::OpKey> op = OpKeyOf(layer);
      if (!op) continue;
      ASSERT_OK_AND_ASSIGN(const Layer back, LayerOf(*op));
      EXPECT_EQ(back.kind, layer.kind) << name << " " << layer.name;
      EXPECT_EQ(back.in, layer.in) << name << " " << layer.name;
      EXPECT_EQ(back.out, layer.out) << name << " " << layer.name;
      EXPECT_EQ(back.pool, layer.pool) << name << " " << layer.name;
      EXPECT_EQ(back.inputs.size(), layer.inputs.size());
      EXPECT_EQ(OpKeyText(*OpKeyOf(back)), OpKeyText(*op));
    }
  }
}

TEST(OpKeyTest, DistinctOpsAreAllAndOnce) {
  const Graph graph = Preset("frostnet_small");
  std::set<std::string> expected;
  for (const Layer& layer : graph.layers) {
    if (const auto op = OpKeyOf(layer)) expected.insert(OpKeyText(*op));
  }
  std::set<std::string> found;
  for (const v1::OpKey& op : DistinctOps(graph)) {
    EXPECT_TRUE(found.insert(OpKeyText(op)).second) << OpKeyText(op);
  }
  EXPECT_EQ(found, expected);
}

v1::OpKey MakeOp(const std::string& kind) {
  v1::OpKey op;
  op.set_kind(kind);
  op.set_in_size(8);
  op.set_in_channels(16);
  op.set_out_channels(16);
  op.set_kernel(1);
  op.set_stride(1);
  op.set_activation(v1::ACTIVATION_NONE);
  return op;
}

TEST(LayerOfTest, RefusesHostileKeys) {
  const auto refusal = [](const std::string& kind, auto change) {
    v1::OpKey op = MakeOp(kind);
    change(op);
    const absl::Status status = LayerOf(op).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  };
  EXPECT_OK(LayerOf(MakeOp("conv")));
  EXPECT_THAT(refusal("dropout", [](auto&) {}), HasSubstr("unknown"));
  EXPECT_THAT(refusal("", [](auto&) {}), HasSubstr("unknown"));
  EXPECT_THAT(refusal("conv", [](auto& op) { op.set_in_size(-1); }),
              HasSubstr("in_size"));
  EXPECT_THAT(refusal("conv", [](auto& op) { op.set_in_channels(1 << 30); }),
              HasSubstr("in_channels"));
  EXPECT_THAT(refusal("conv", [](auto& op) { op.set_kernel(4); }),
              HasSubstr("odd"));
  EXPECT_THAT(refusal("conv", [](auto& op) { op.clear_activation(); }),
              HasSubstr("activation"));
  EXPECT_THAT(refusal("depthwise", [](auto& op) { op.set_out_channels(8); }),
              HasSubstr("out_channels"));
  EXPECT_THAT(refusal("depthwise", [](auto& op) { op.set_stride(0); }),
              HasSubstr("stride"));
  EXPECT_THAT(refusal("concat", [](auto&) {}), HasSubstr("out_channels"));
  EXPECT_THAT(refusal("linear", [](auto&) {}), HasSubstr("in_size"));
  EXPECT_THAT(refusal("max_pool",
                      [](auto& op) {
                        op.set_in_size(2);
                        op.set_kernel(3);
                      }),
              HasSubstr("kernel"));
  EXPECT_THAT(
      refusal("add", [](auto& op) { op.set_activation(v1::ACTIVATION_RELU); }),
      HasSubstr("activation"));
}

}  // namespace
}  // namespace frostnas::arch
