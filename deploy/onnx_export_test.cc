#include "deploy/onnx_export.h"

#include <limits>
#include <string>
#include <vector>

#include "arch/digest.h"
#include "arch/presets.h"
#include "base/sha256.h"
#include "base/status_matchers.h"
#include "deploy/testing/onnx_reader.h"
#include "deploy/testing/packages.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "quant/package.h"
#include "quant/testing/architectures.h"

namespace frostnas::deploy {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

OnnxReader Exported(const v1::Package& package) {
  const auto model = ExportOnnx(package);
  EXPECT_OK(model);
  return OnnxReader(model.ok() ? *model : "");
}

std::vector<std::string> ShapeOf(const onnx::ValueInfoProto& value) {
  std::vector<std::string> dims;
  for (const auto& dim : value.type().tensor_type().shape().dim()) {
    dims.push_back(dim.has_dim_param() ? dim.dim_param()
                                       : std::to_string(dim.dim_value()));
  }
  return dims;
}

TEST(OnnxExportTest, ImageAndLogitsAreFloatsOfAnyBatch) {
  const OnnxReader reader = Exported(HandMadePackage());
  EXPECT_EQ(reader.model().ir_version(), 7);
  ASSERT_EQ(reader.model().opset_import_size(), 1);
  EXPECT_EQ(reader.model().opset_import(0).version(), 13);
  ASSERT_EQ(reader.graph().input_size(), 1);
  ASSERT_EQ(reader.graph().output_size(), 1);
  const onnx::ValueInfoProto& image = reader.graph().input(0);
  const onnx::ValueInfoProto& logits = reader.graph().output(0);
  EXPECT_EQ(image.name(), "image");
  EXPECT_EQ(logits.name(), "logits");
  EXPECT_EQ(image.type().tensor_type().elem_type(), onnx::TensorProto::FLOAT);
  EXPECT_EQ(logits.type().tensor_type().elem_type(), onnx::TensorProto::FLOAT);
  EXPECT_THAT(ShapeOf(image), ElementsAre("batch", "3", "8", "8"));
  EXPECT_THAT(ShapeOf(logits), ElementsAre("batch", "2"));
}

TEST(OnnxExportTest, AConvolutionHasThePackagesIntegers) {
  const v1::Package package = HandMadePackage();
  const OnnxReader reader = Exported(package);
  const onnx::NodeProto& conv = reader.Producer("b1.conv.conv");
  EXPECT_EQ(conv.op_type(), "Conv");
  EXPECT_THAT(OnnxReader::Attribute(conv, "pads"), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(OnnxReader::Attribute(conv, "strides"), ElementsAre(1, 1));
  EXPECT_THAT(OnnxReader::Attribute(conv, "group"), ElementsAre(1));
  const onnx::NodeProto& weights = reader.Producer(conv.input(1));
  EXPECT_EQ(weights.op_type(), "DequantizeLinear");
  EXPECT_THAT(OnnxReader::Attribute(weights, "axis"), ElementsAre(0));
  EXPECT_EQ(reader.Type(weights.input(0)), onnx::TensorProto::INT8);
  EXPECT_THAT(reader.Dims(weights.input(0)), ElementsAre(2, 3, 3, 3));
  EXPECT_THAT(reader.Values(weights.input(1)), ElementsAre(0.25, 0.5));
  EXPECT_THAT(reader.Values(weights.input(2)), ElementsAre(0, 0));
  const std::vector<double> filter = reader.Values(weights.input(0));
  for (int o = 0; o < 2; ++o) {
    for (int c = 0; c < 3; ++c) {
      for (int p = 0; p < 9; ++p) {
        // Stored O,H,W,I, counting up from -27.
        EXPECT_EQ(filter[(o * 3 + c) * 9 + p], (o * 9 + p) * 3 + c - 27);
      }
    }
  }
  const onnx::NodeProto& bias = reader.Producer(conv.input(2));
  EXPECT_EQ(reader.Type(bias.input(0)), onnx::TensorProto::INT32);
  EXPECT_THAT(reader.Values(bias.input(0)), ElementsAre(100, -200));
  EXPECT_THAT(reader.Values(bias.input(1)),
              ElementsAre(0.25 * 0.03125, 0.5 * 0.03125));
}

TEST(OnnxExportTest, ActivationsAreOnThePackagesGrids) {
  const OnnxReader reader = Exported(HandMadePackage());
  const onnx::NodeProto& conv = reader.Producer("b1.conv.conv");
  const onnx::NodeProto& src = reader.Producer(conv.input(0));
  EXPECT_EQ(src.input(0), "input");
  EXPECT_THAT(reader.Values(src.input(1)), ElementsAre(0.03125));
  EXPECT_THAT(reader.Values(src.input(2)), ElementsAre(128));
  EXPECT_EQ(reader.Type(src.input(2)), onnx::TensorProto::UINT8);
  const onnx::NodeProto& relu = reader.Reader("b1.conv.conv");
  EXPECT_EQ(relu.op_type(), "Relu");
  const onnx::NodeProto& stored = reader.Reader(relu.output(0));
  EXPECT_EQ(stored.output(0), "b1.conv");
  EXPECT_THAT(reader.Values(stored.input(1)), ElementsAre(0.0625));
  EXPECT_THAT(reader.Values(stored.input(2)), ElementsAre(0));
  const onnx::NodeProto& logits = reader.Producer("logits");
  EXPECT_EQ(logits.op_type(), "DequantizeLinear");
  EXPECT_THAT(reader.Values(logits.input(1)), ElementsAre(0.125));
  EXPECT_THAT(reader.Values(logits.input(2)), ElementsAre(140));
}

TEST(OnnxExportTest, EveryDequantizedValueHasOneReader) {
  const OnnxReader reader =
      Exported(RandomPackage(quant::EveryLayerArchitecture(), 1));
  for (const onnx::NodeProto& node : reader.graph().node()) {
    if (node.op_type() != "DequantizeLinear") continue;
    if (node.output(0) == kOnnxOutput) continue;
    EXPECT_EQ(reader.Readers(node.output(0)), 1) << node.name();
  }
}

TEST(OnnxExportTest, DepthwiseLayersHaveAGroupAChannel) {
  const OnnxReader reader =
      Exported(RandomPackage(quant::EveryLayerArchitecture(), 1));
  const onnx::NodeProto& conv = reader.Producer("b3.depthwise.conv");
  EXPECT_THAT(OnnxReader::Attribute(conv, "group"), ElementsAre(16));
  EXPECT_THAT(reader.Dims("b3.depthwise.weights"), ElementsAre(16, 1, 3, 3));
}

TEST(OnnxExportTest, EveryLayerKindHasItsOperator) {
  const OnnxReader reader =
      Exported(RandomPackage(quant::EveryLayerArchitecture(), 1));
  const auto operators = reader.Operators();
  for (const char* op : {"Conv", "Gemm", "Add", "Concat", "MaxPool",
                         "GlobalAveragePool", "Relu", "Clip", "Flatten"}) {
    EXPECT_THAT(operators, Contains(Pair(op, ::testing::Gt(0))));
  }
}

// A concat's inputs and output have one scale; a ReLU's zero point is 0.
TEST(OnnxExportTest, AReluThatJoinsAConcatIsClampedByIt) {
  const v1::Package package = RandomPackage(quant::EveryLayerArchitecture(), 1);
  const OnnxReader reader = Exported(package);
  const onnx::NodeProto& concat = reader.Producer("b4.concat.concat");
  ASSERT_EQ(concat.op_type(), "Concat");
  EXPECT_THAT(OnnxReader::Attribute(concat, "axis"), ElementsAre(1));
  const onnx::NodeProto& squeeze = reader.Producer(concat.input(0));
  const onnx::NodeProto& input = reader.Producer(concat.input(1));
  const onnx::NodeProto& output = reader.Reader(concat.output(0));
  EXPECT_EQ(squeeze.input(0), "b4.squeeze");
  EXPECT_EQ(reader.Values(squeeze.input(1)), reader.Values(output.input(1)));
  EXPECT_EQ(reader.Values(input.input(1)), reader.Values(output.input(1)));
  EXPECT_EQ(reader.Values(input.input(2)), reader.Values(output.input(2)));
  EXPECT_THAT(reader.Values(output.input(2)), Each(::testing::Gt(0)));
  EXPECT_THAT(reader.Values(squeeze.input(2)), ElementsAre(0));
}

TEST(OnnxExportTest, ARelu6BelowItsGridsEndIsClipped) {
  v1::Package package = RandomPackage(quant::EveryLayerArchitecture(), 1);
  const OnnxReader reader = Exported(package);
  const onnx::NodeProto& clip = reader.Producer("b6.expand.clip");
  ASSERT_EQ(clip.op_type(), "Clip");
  EXPECT_THAT(reader.Values(clip.input(1)), ElementsAre(0));
  const double scale = reader.Values("b6.expand.scale")[0];
  EXPECT_THAT(reader.Values(clip.input(2)),
              ElementsAre(::testing::DoubleNear(6, scale)));
  const onnx::NodeProto& stored = reader.Reader(clip.output(0));
  EXPECT_EQ(stored.output(0), "b6.expand");
}

TEST(OnnxExportTest, EveryPresetPassesOnnxsChecker) {
  for (const std::string& name : arch::PresetNames()) {
    ASSERT_OK_AND_ASSIGN(
        const v1::Architecture architecture,
        arch::PresetArchitecture(name, {.input_size = 32, .num_classes = 10}));
    EXPECT_OK(ExportOnnx(RandomPackage(architecture, 1))) << name;
  }
}

TEST(OnnxExportTest, RandomNetworksPassOnnxsChecker) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    EXPECT_OK(ExportOnnx(RandomPackage(quant::RandomArchitecture(seed), seed)))
        << seed;
  }
}

TEST(OnnxExportTest, TheFileSaysWhatItHolds) {
  const v1::Package package = HandMadePackage();
  const OnnxReader reader = Exported(package);
  EXPECT_EQ(reader.model().producer_name(), "frostnas");
  std::map<std::string, std::string> metadata;
  for (const auto& entry : reader.model().metadata_props()) {
    metadata[entry.key()] = entry.value();
  }
  EXPECT_EQ(metadata["frostnas.package_sha256"],
            Sha256Hex(quant::SerializePackage(package)));
  EXPECT_EQ(metadata["frostnas.architecture_sha256"],
            *arch::ArchitectureDigest(package.architecture()));
  EXPECT_EQ(metadata["frostnas.dataset"], "shapes");
  EXPECT_EQ(metadata["frostnas.dataset_sha256"], "ab12");
  EXPECT_EQ(metadata["frostnas.classes"], R"(["disc","a \"square\""])");
}

TEST(OnnxExportTest, OnePackageGivesOneFile) {
  EXPECT_EQ(*ExportOnnx(HandMadePackage()), *ExportOnnx(HandMadePackage()));
}

absl::Status Refusal(const v1::Package& package) {
  return ExportOnnx(package).status();
}

TEST(OnnxExportTest, PackagesThatDoNotFitAreRefusedByLayer) {
  EXPECT_THAT(Refusal({}), StatusIs(absl::StatusCode::kInvalidArgument));
  v1::Package package = HandMadePackage();
  package.mutable_layers(0)->mutable_weights()->pop_back();
  EXPECT_THAT(Refusal(package), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("b1.conv")));
  package = HandMadePackage();
  package.mutable_layers(0)->set_weight_scale(
      1, std::numeric_limits<float>::quiet_NaN());
  EXPECT_THAT(Refusal(package), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("b1.conv")));
  package = HandMadePackage();
  package.mutable_layers()->RemoveLast();
  EXPECT_THAT(Refusal(package), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(OnnxExportTest, NumbersBeyondFloatsAreRefusedByName) {
  v1::Package package = HandMadePackage();
  package.mutable_input()->set_mean(2, 1e30f);
  package.mutable_input()->set_stddev(2, 1e-30f);
  EXPECT_THAT(Refusal(package), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("input.mean[2]")));
  // Biases at 1e-39, below the normal floats, and multipliers near 1.
  package = HandMadePackage();
  package.mutable_input()->mutable_grid()->set_scale(1e-19f);
  package.mutable_layers(0)->set_weight_scale(0, 1e-20f);
  package.mutable_layers(0)->set_weight_scale(1, 1e-20f);
  package.mutable_layers(0)->mutable_output()->set_scale(2e-38f);
  EXPECT_THAT(Refusal(package), StatusIs(absl::StatusCode::kInvalidArgument));
}

// Channel 1's output is at most 0.0625 * 40, channel 0's at least 0.0625 * 3.
TEST(OnnxExportTest, BoundsByChannelAreAMaxAndAMin) {
  v1::Package package = HandMadePackage();
  package.mutable_layers(0)->set_low(std::string{3, 0});
  package.mutable_layers(0)->set_high(std::string{127, 40});
  const OnnxReader reader = Exported(package);
  const onnx::NodeProto& max = reader.Producer("b1.conv.low");
  const onnx::NodeProto& min = reader.Producer("b1.conv.high");
  EXPECT_EQ(max.op_type(), "Max");
  EXPECT_EQ(min.op_type(), "Min");
  EXPECT_EQ(min.input(0), max.output(0));
  EXPECT_THAT(reader.Dims(max.input(1)), ElementsAre(1, 2, 1, 1));
  EXPECT_THAT(reader.Values(max.input(1)), ElementsAre(0.1875, 0));
  EXPECT_THAT(reader.Values(min.input(1)), ElementsAre(7.9375, 2.5));
  EXPECT_EQ(reader.Reader("b1.conv.high").output(0), "b1.conv");
}

TEST(OnnxExportTest, BoundsOfAllChannelsAreAClip) {
  v1::Package package = HandMadePackage();
  package.mutable_layers(0)->set_high(std::string{15});
  const OnnxReader reader = Exported(package);
  const onnx::NodeProto& clip = reader.Producer("b1.conv.clip");
  EXPECT_EQ(clip.op_type(), "Clip");
  EXPECT_THAT(reader.Values(clip.input(1)), ElementsAre(0));
  EXPECT_THAT(reader.Values(clip.input(2)), ElementsAre(0.9375));
}

}  // namespace
}  // namespace frostnas::deploy
