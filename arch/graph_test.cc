#include "arch/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/text_format.h"

namespace frostnas::arch {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message))
      << text;
  return message;
}

v1::Block ParseBlock(const std::string& text) { return Parse<v1::Block>(text); }

// A network with `block` between a stem and a classifier.
v1::Architecture Around(const std::string& block) {
  return Parse<v1::Architecture>(
      "input_size: 32 input_channels: 3 num_classes: 10 "
      "blocks { name: 'stem' conv { out_channels: 16 kernel: 3 stride: 1 "
      "activation: ACTIVATION_RELU } } " +
      block +
      "blocks { name: 'head' classifier { pool: GLOBAL_POOL_AVERAGE "
      "dropout: 0.2 } }");
}

std::vector<std::string> Names(const Graph& graph) {
  std::vector<std::string> names;
  for (const Layer& layer : graph.layers) names.push_back(layer.name);
  return names;
}

Graph Expand(const std::string& block, FeatureShape input) {
  absl::StatusOr<Graph> graph = ExpandBlock(ParseBlock(block), input, 10);
  EXPECT_TRUE(graph.ok()) << graph.status();
  return graph.ok() ? *graph : Graph();
}

TEST(RoundChannelsTest, GivesMultiplesOfEightNotFarBelow) {
  EXPECT_EQ(RoundChannels(0), 8);
  EXPECT_EQ(RoundChannels(5), 8);
  EXPECT_EQ(RoundChannels(11), 16);  // 8 would lose more than a tenth
  EXPECT_EQ(RoundChannels(12), 16);
  EXPECT_EQ(RoundChannels(24), 24);
  EXPECT_EQ(RoundChannels(33), 32);
  EXPECT_EQ(RoundChannels(40), 40);
  EXPECT_EQ(RoundChannels(43), 40);
  EXPECT_EQ(RoundChannels(1.2 * 16), 24);  // 16 < 0.9 * 19.2
}

TEST(ExpandBlockTest, FrostSqueezesThenConcatenatesSqueezedPartFirst) {
  const Graph graph = Expand(
      "name: 'b' frost { out_channels: 192 kernel: 5 stride: 2 expansion: 6 "
      "reduction: 4 }",
      {.size = 14, .channels = 96});
  ASSERT_THAT(Names(graph), ElementsAre("b.squeeze", "b.concat", "b.expand",
                                        "b.depthwise", "b.project"));
  EXPECT_EQ(graph.layers[0].out, (FeatureShape{14, 24}));
  EXPECT_EQ(graph.layers[0].activation, v1::ACTIVATION_RELU);
  EXPECT_THAT(graph.layers[0].inputs, ElementsAre(kGraphInput));
  EXPECT_THAT(graph.layers[1].inputs, ElementsAre(0, kGraphInput));
  EXPECT_EQ(graph.layers[1].in, (FeatureShape{14, 24}));
  EXPECT_EQ(graph.layers[1].out, (FeatureShape{14, 120}));
  EXPECT_EQ(graph.layers[2].out, (FeatureShape{14, 720}));
  EXPECT_EQ(graph.layers[3].kind, LayerKind::kDepthwise);
  EXPECT_EQ(graph.layers[3].kernel, 5);
  EXPECT_EQ(graph.layers[3].out, (FeatureShape{7, 720}));
  EXPECT_EQ(graph.layers[4].out, (FeatureShape{7, 192}));
  EXPECT_EQ(graph.layers[4].activation, v1::ACTIVATION_NONE);
  for (const Layer& layer : graph.layers) {
    EXPECT_EQ(layer.batch_norm, layer.kind != LayerKind::kConcat);
  }
}

TEST(ExpandBlockTest, FrostLeavesOutASqueezeBelowEightChannels) {
  const std::string block =
      "frost { out_channels: 24 kernel: 3 stride: 2 expansion: 3 "
      "reduction: 4 }";
  // 31 / 4 is 7 in integers, though 7.75 would round to 8 channels.
  EXPECT_THAT(Names(Expand(block, {.size = 8, .channels = 31})),
              ElementsAre("expand", "depthwise", "project"));
  EXPECT_THAT(
      Names(Expand(block, {.size = 8, .channels = 32})),
      ElementsAre("squeeze", "concat", "expand", "depthwise", "project"));
}

TEST(ExpandBlockTest, FrostWithoutExpansionIsDepthwiseAndProject) {
  const Graph graph = Expand(
      "frost { out_channels: 64 kernel: 3 stride: 1 expansion: 1 "
      "reduction: 1 }",
      {.size = 8, .channels = 64});
  EXPECT_THAT(Names(graph), ElementsAre("depthwise", "project", "add"));
  EXPECT_THAT(graph.layers[2].inputs, ElementsAre(kGraphInput, 1));
}

TEST(ExpandBlockTest, ResidualNeedsStrideOneAndEqualChannels) {
  const auto has_add = [](int stride, int channels) {
    v1::Block block = ParseBlock(
        "inverted_residual { kernel: 3 expansion: 6 "
        "activation: ACTIVATION_RELU6 }");
    block.mutable_inverted_residual()->set_stride(stride);
    block.mutable_inverted_residual()->set_out_channels(channels);
    absl::StatusOr<Graph> graph =
        ExpandBlock(block, {.size = 8, .channels = 16}, 10);
    return graph.ok() && graph->layers.back().kind == LayerKind::kAdd;
  };
  EXPECT_TRUE(has_add(1, 16));
  EXPECT_FALSE(has_add(2, 16));
  EXPECT_FALSE(has_add(1, 24));
}

TEST(ExpandBlockTest, QuantizationFriendlySeparableHasNothingBetween) {
  const Graph original = Expand(
      "separable { out_channels: 32 kernel: 3 stride: 1 "
      "activation: ACTIVATION_RELU6 }",
      {.size = 8, .channels = 16});
  ASSERT_THAT(Names(original), ElementsAre("depthwise", "pointwise"));
  EXPECT_TRUE(original.layers[0].batch_norm);
  EXPECT_EQ(original.layers[0].activation, v1::ACTIVATION_RELU6);
  const Graph friendly = Expand(
      "separable { out_channels: 32 kernel: 3 stride: 1 "
      "activation: ACTIVATION_RELU quantization_friendly: true }",
      {.size = 8, .channels = 16});
  EXPECT_FALSE(friendly.layers[0].batch_norm);
  EXPECT_EQ(friendly.layers[0].activation, v1::ACTIVATION_NONE);
  EXPECT_TRUE(friendly.layers[1].batch_norm);
  EXPECT_EQ(friendly.layers[1].activation, v1::ACTIVATION_RELU);
}

TEST(ExpandBlockTest, SizesFollowPaddingAndWindows) {
  const auto out_size = [](const std::string& block, int size) {
    return Expand(block, {.size = size, .channels = 8}).layers.back().out.size;
  };
  const std::string conv =
      "conv { out_channels: 8 kernel: 3 stride: 2 "
      "activation: ACTIVATION_NONE }";
  EXPECT_EQ(out_size(conv, 224), 112);
  EXPECT_EQ(out_size(conv, 7), 4);
  EXPECT_EQ(out_size(conv, 1), 1);
  EXPECT_EQ(out_size("pool { kernel: 2 stride: 2 }", 7), 3);
  EXPECT_EQ(out_size("pool { kernel: 3 stride: 2 }", 32), 15);
}

TEST(ExpandBlockTest, RefusesAPoolLargerThanItsInput) {
  const absl::Status status =
      ExpandBlock(ParseBlock("name: 'p' pool { kernel: 3 stride: 1 }"),
                  {.size = 2, .channels = 8}, 10)
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("block \"p\""));
}

TEST(ExpandArchitectureTest, ChainsBlocksAndEndsInALinearLayer) {
  const absl::StatusOr<Graph> graph = ExpandArchitecture(
      Around("blocks { name: 's1' frost { out_channels: 16 kernel: 3 "
             "stride: 1 expansion: 3 reduction: 2 } } "));
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_THAT(Names(*graph),
              ElementsAre("stem.conv", "s1.squeeze", "s1.concat", "s1.expand",
                          "s1.depthwise", "s1.project", "s1.add", "head.pool",
                          "head.dropout", "head.linear"));
  EXPECT_THAT(graph->layers[0].inputs, ElementsAre(kGraphInput));
  EXPECT_THAT(graph->layers[2].inputs, ElementsAre(1, 0));
  EXPECT_THAT(graph->layers[6].inputs, ElementsAre(0, 5));
  EXPECT_EQ(graph->layers[7].out, (FeatureShape{1, 16}));
  EXPECT_EQ(graph->layers[8].dropout, 0.2f);
  EXPECT_EQ(graph->layers.back().kind, LayerKind::kLinear);
  EXPECT_EQ(graph->layers.back().out, (FeatureShape{1, 10}));
  for (size_t i = 1; i < graph->layers.size(); ++i) {
    const Layer& layer = graph->layers[i];
    EXPECT_EQ(layer.in, graph->layers[layer.inputs[0]].out) << layer.name;
  }
}

TEST(ExpandArchitectureTest, LeavesOutDropoutOfProbabilityZero) {
  v1::Architecture architecture = Around("");
  architecture.mutable_blocks(1)->mutable_classifier()->set_dropout(0);
  const absl::StatusOr<Graph> graph = ExpandArchitecture(architecture);
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_THAT(Names(*graph),
              ElementsAre("stem.conv", "head.pool", "head.linear"));
}

// Refusals: each case is a valid network with one fault, and what the message
// must name.
struct Refusal {
  const char* name;
  const char* block;
  const char* says;
};

class RefusedBlockTest : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusedBlockTest, NamesBlockAndField) {
  const absl::Status status =
      ExpandArchitecture(Around(GetParam().block)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(status.message(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Blocks, RefusedBlockTest,
    ::testing::Values(
        Refusal{"NoKind", "blocks { name: 'x' }", "block \"x\": kind"},
        Refusal{"NoName", "blocks { pool { kernel: 2 stride: 2 } }",
                "blocks[1].name"},
        Refusal{"BadName",
                "blocks { name: 'A.b' pool { kernel: 2 stride: 2 } }",
                "blocks[1].name"},
        Refusal{"TakenName",
                "blocks { name: 'stem' pool { kernel: 2 stride: 2 } }",
                "\"stem\" is taken"},
        Refusal{"EarlyClassifier",
                "blocks { name: 'x' classifier { pool: GLOBAL_POOL_MAX } }",
                "must be the last"},
        Refusal{"EvenKernel",
                "blocks { name: 'x' conv { out_channels: 8 kernel: 4 stride: 1 "
                "activation: ACTIVATION_RELU } }",
                "block \"x\": conv.kernel is 4"},
        Refusal{"NoActivation",
                "blocks { name: 'x' conv { out_channels: 8 kernel: 3 "
                "stride: 1 } }",
                "conv.activation"},
        Refusal{"UnknownActivation",
                "blocks { name: 'x' conv { out_channels: 8 kernel: 3 stride: 1 "
                "activation: 77 } }",
                "conv.activation"},
        Refusal{"NormAfterNothing",
                "blocks { name: 'x' conv { out_channels: 8 kernel: 3 stride: 1 "
                "activation: ACTIVATION_NONE norm_after_activation: true } }",
                "conv.norm_after_activation"},
        Refusal{"ZeroChannels",
                "blocks { name: 'x' frost { kernel: 3 stride: 1 expansion: 3 "
                "reduction: 2 } }",
                "frost.out_channels is 0"},
        Refusal{
            "FrostKernelSeven",
            "blocks { name: 'x' frost { out_channels: 8 kernel: 7 stride: 1 "
            "expansion: 3 reduction: 2 } }",
            "frost.kernel is 7; it must be 3..5"},
        Refusal{
            "ZeroReduction",
            "blocks { name: 'x' frost { out_channels: 8 kernel: 3 stride: 1 "
            "expansion: 3 } }",
            "frost.reduction is 0"},
        Refusal{"StrideThree",
                "blocks { name: 'x' separable { out_channels: 8 kernel: 3 "
                "stride: 3 activation: ACTIVATION_RELU } }",
                "separable.stride is 3"},
        Refusal{"HugeExpansion",
                "blocks { name: 'x' inverted_residual { out_channels: 8 "
                "kernel: 3 stride: 1 expansion: 2000000000 "
                "activation: ACTIVATION_RELU } }",
                "inverted_residual.expansion is 2000000000"},
        Refusal{"TooManyWeights",
                "blocks { name: 'x' conv { out_channels: 4096 kernel: 7 "
                "stride: 2 activation: ACTIVATION_RELU } } "
                "blocks { name: 'y' conv { out_channels: 4096 kernel: 7 "
                "stride: 2 activation: ACTIVATION_RELU } }",
                "block \"y\": the network has over"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ExpandArchitectureTest, RefusesNetworkFieldsOutOfRange) {
  const auto message_with = [](auto change) {
    v1::Architecture architecture = Around("");
    change(architecture);
    const absl::Status status = ExpandArchitecture(architecture).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_THAT(message_with([](auto& a) { a.set_input_size(7); }),
              HasSubstr("input_size is 7"));
  EXPECT_THAT(message_with([](auto& a) { a.set_input_size(1025); }),
              HasSubstr("input_size is 1025"));
  EXPECT_THAT(message_with([](auto& a) { a.set_input_channels(2); }),
              HasSubstr("input_channels is 2"));
  EXPECT_THAT(message_with([](auto& a) { a.set_num_classes(1); }),
              HasSubstr("num_classes is 1"));
  EXPECT_THAT(message_with([](auto& a) { a.clear_blocks(); }),
              HasSubstr("number of blocks is 0"));
  EXPECT_THAT(message_with([](auto& a) { a.mutable_blocks()->RemoveLast(); }),
              HasSubstr("last block must be a classifier"));
  EXPECT_THAT(message_with([](auto& a) {
                a.mutable_blocks(1)->mutable_classifier()->set_dropout(0.95f);
              }),
              HasSubstr("classifier.dropout"));
  EXPECT_THAT(message_with([](auto& a) {
                a.mutable_blocks(1)->mutable_classifier()->clear_pool();
              }),
              HasSubstr("classifier.pool"));
}

TEST(ExpandArchitectureTest, RefusesAFeatureMapThatIsTooLarge) {
  v1::Architecture architecture = Around("");
  architecture.set_input_size(1024);
  architecture.mutable_blocks(0)->mutable_conv()->set_out_channels(4096);
  const absl::Status status = ExpandArchitecture(architecture).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("stem.conv"));
}

}  // namespace
}  // namespace frostnas::arch
