#include "arch/graph.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "arch/block_rules.h"
#include "base/status_macros.h"

namespace frostnas::arch {
namespace {

constexpr int64_t kMaxWeights = int64_t{1} << 28;
constexpr int64_t kMaxFeatureValues = int64_t{1} << 28;
constexpr int kMaxBlocks = 256;
constexpr int kMinInputSize = 8;
constexpr int kMaxInputSize = 1024;
constexpr int kMinClasses = 2;
constexpr int kMaxClasses = 100000;
// A squeeze to fewer channels than this is left out (methods.md 1.1).
constexpr int kMinSqueezeChannels = 8;

absl::Status CheckBetween(absl::string_view field, int value, int low,
                          int high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, " is ", value, "; it must be ", low, "..", high));
}

int64_t NumWeights(const Layer& layer) {
  const int64_t window = int64_t{layer.kernel} * layer.kernel;
  switch (layer.kind) {
    case LayerKind::kConv:
    case LayerKind::kLinear:
      return window * layer.in.channels * layer.out.channels;
    case LayerKind::kDepthwise:
      return window * layer.out.channels;
    default:
      return 0;
  }
}

struct ConvShape {
  int out_channels = 0;  // kDepthwise: taken from the input
  int kernel = 1;
  int stride = 1;
};

struct AfterConv {
  v1::Activation activation = v1::ACTIVATION_NONE;
  bool batch_norm = true;
  bool norm_after_activation = false;
};

// Appends blocks' layers to a graph; the newest layer feeds the next.
class GraphBuilder {
 public:
  GraphBuilder(FeatureShape input, int num_classes) {
    graph_.input = input;
    graph_.num_classes = num_classes;
  }

  absl::Status AddBlock(const v1::Block& block);
  Graph Build() && { return std::move(graph_); }

 private:
  absl::Status Add(const v1::ConvBlock& conv);
  absl::Status Add(const v1::FrostBlock& frost);
  absl::Status Add(const v1::InvertedResidualBlock& residual);
  absl::Status Add(const v1::SeparableBlock& separable);
  absl::Status Add(const v1::PoolBlock& pool);
  absl::Status Add(const v1::ClassifierBlock& classifier);

  absl::Status AddConv(absl::string_view part, LayerKind kind,
                       const ConvShape& shape, const AfterConv& after);
  // Adds the block's input where the shapes allow it.
  absl::Status AddResidual(int block_input, FeatureShape block_shape,
                           int stride);
  // The one door into graph_.layers: names the layer and checks sizes.
  absl::Status Append(absl::string_view part, Layer layer);

  // A layer that reads the newest one and keeps its shape.
  Layer Next(LayerKind kind) const {
    Layer layer;
    layer.kind = kind;
    layer.inputs = {newest_};
    layer.in = layer.out = shape_;
    return layer;
  }

  Graph graph_;
  absl::string_view block_;
  int newest_ = kGraphInput;
  FeatureShape shape_;
  int64_t weights_ = 0;
};

absl::Status GraphBuilder::Append(absl::string_view part, Layer layer) {
  layer.name =
      block_.empty() ? std::string(part) : absl::StrCat(block_, ".", part);
  weights_ += NumWeights(layer);
  if (weights_ > kMaxWeights) {
    return absl::InvalidArgumentError(
        absl::StrCat("block \"", block_, "\": the network has over ",
                     kMaxWeights, " weights; use fewer channels"));
  }
  const int64_t values =
      int64_t{layer.out.size} * layer.out.size * layer.out.channels;
  if (values > kMaxFeatureValues) {
    return absl::InvalidArgumentError(absl::StrCat(
        "block \"", block_, "\": ", layer.name, " gives over ",
        kMaxFeatureValues, " values; use fewer channels or a smaller input"));
  }
  shape_ = layer.out;
  newest_ = static_cast<int>(graph_.layers.size());
  graph_.layers.push_back(std::move(layer));
  return absl::OkStatus();
}

absl::Status GraphBuilder::AddConv(absl::string_view part, LayerKind kind,
                                   const ConvShape& shape,
                                   const AfterConv& after) {
  Layer layer = Next(kind);
  layer.kernel = shape.kernel;
  layer.stride = shape.stride;
  // Padding (kernel - 1) / 2 and an odd kernel: the ceiling of size / stride.
  layer.out.size = (layer.in.size - 1) / shape.stride + 1;
  if (kind == LayerKind::kConv) layer.out.channels = shape.out_channels;
  layer.activation = after.activation;
  layer.batch_norm = after.batch_norm;
  layer.norm_after_activation = after.norm_after_activation;
  return Append(part, std::move(layer));
}

absl::Status GraphBuilder::AddResidual(int block_input,
                                       FeatureShape block_shape, int stride) {
  if (stride != 1 || block_shape.channels != shape_.channels) {
    return absl::OkStatus();
  }
  Layer add = Next(LayerKind::kAdd);
  add.inputs = {block_input, newest_};
  return Append("add", std::move(add));
}

absl::Status GraphBuilder::Add(const v1::ConvBlock& conv) {
  return AddConv("conv", LayerKind::kConv,
                 {.out_channels = conv.out_channels(),
                  .kernel = conv.kernel(),
                  .stride = conv.stride()},
                 {.activation = conv.activation(),
                  .norm_after_activation = conv.norm_after_activation()});
}

absl::Status GraphBuilder::Add(const v1::FrostBlock& frost) {
  const int block_input = newest_;
  const FeatureShape block_shape = shape_;
  const AfterConv relu = {.activation = v1::ACTIVATION_RELU};
  const int squeezed = block_shape.channels / frost.reduction();
  if (frost.expansion() > 1 && squeezed >= kMinSqueezeChannels) {
    RETURN_IF_ERROR(AddConv("squeeze", LayerKind::kConv,
                            {.out_channels = RoundChannels(squeezed)}, relu));
    Layer concat = Next(LayerKind::kConcat);
    concat.inputs = {newest_, block_input};
    concat.out.channels = shape_.channels + block_shape.channels;
    RETURN_IF_ERROR(Append("concat", std::move(concat)));
  }
  if (frost.expansion() > 1) {
    RETURN_IF_ERROR(
        AddConv("expand", LayerKind::kConv,
                {.out_channels = shape_.channels * frost.expansion()}, relu));
  }
  RETURN_IF_ERROR(AddConv("depthwise", LayerKind::kDepthwise,
                          {.kernel = frost.kernel(), .stride = frost.stride()},
                          relu));
  RETURN_IF_ERROR(AddConv("project", LayerKind::kConv,
                          {.out_channels = frost.out_channels()}, {}));
  return AddResidual(block_input, block_shape, frost.stride());
}

absl::Status GraphBuilder::Add(const v1::InvertedResidualBlock& residual) {
  const int block_input = newest_;
  const FeatureShape block_shape = shape_;
  const AfterConv active = {.activation = residual.activation()};
  if (residual.expansion() > 1) {
    RETURN_IF_ERROR(AddConv(
        "expand", LayerKind::kConv,
        {.out_channels = shape_.channels * residual.expansion()}, active));
  }
  RETURN_IF_ERROR(AddConv(
      "depthwise", LayerKind::kDepthwise,
      {.kernel = residual.kernel(), .stride = residual.stride()}, active));
  RETURN_IF_ERROR(AddConv("project", LayerKind::kConv,
                          {.out_channels = residual.out_channels()}, {}));
  return AddResidual(block_input, block_shape, residual.stride());
}

absl::Status GraphBuilder::Add(const v1::SeparableBlock& separable) {
  AfterConv between = {.activation = separable.activation()};
  if (separable.quantization_friendly()) {
    between = {.activation = v1::ACTIVATION_NONE, .batch_norm = false};
  }
  RETURN_IF_ERROR(AddConv(
      "depthwise", LayerKind::kDepthwise,
      {.kernel = separable.kernel(), .stride = separable.stride()}, between));
  return AddConv("pointwise", LayerKind::kConv,
                 {.out_channels = separable.out_channels()},
                 {.activation = separable.activation()});
}

absl::Status GraphBuilder::Add(const v1::PoolBlock& pool) {
  if (shape_.size < pool.kernel()) {
    return absl::InvalidArgumentError(
        absl::StrCat("block \"", block_, "\": pool.kernel is ", pool.kernel(),
                     " but its input is ", shape_.size, " x ", shape_.size,
                     "; use a larger input_size or fewer strides before it"));
  }
  Layer layer = Next(LayerKind::kMaxPool);
  layer.kernel = pool.kernel();
  layer.stride = pool.stride();
  layer.out.size = (layer.in.size - pool.kernel()) / pool.stride() + 1;
  return Append("pool", std::move(layer));
}

absl::Status GraphBuilder::Add(const v1::ClassifierBlock& classifier) {
  RETURN_IF_ERROR(CheckBetween("num_classes", graph_.num_classes, kMinClasses,
                               kMaxClasses));
  Layer pool = Next(LayerKind::kGlobalPool);
  pool.pool = classifier.pool();
  pool.out.size = 1;
  RETURN_IF_ERROR(Append("pool", std::move(pool)));
  if (classifier.dropout() > 0) {
    Layer dropout = Next(LayerKind::kDropout);
    dropout.dropout = classifier.dropout();
    RETURN_IF_ERROR(Append("dropout", std::move(dropout)));
  }
  Layer linear = Next(LayerKind::kLinear);
  linear.out.channels = graph_.num_classes;
  return Append("linear", std::move(linear));
}

absl::Status GraphBuilder::AddBlock(const v1::Block& block) {
  RETURN_IF_ERROR(CheckBlockFields(block));
  if (graph_.layers.empty()) shape_ = graph_.input;
  block_ = block.name();
  switch (block.kind_case()) {
    case v1::Block::kConv:
      return Add(block.conv());
    case v1::Block::kFrost:
      return Add(block.frost());
    case v1::Block::kInvertedResidual:
      return Add(block.inverted_residual());
    case v1::Block::kSeparable:
      return Add(block.separable());
    case v1::Block::kPool:
      return Add(block.pool());
    case v1::Block::kClassifier:
      return Add(block.classifier());
    case v1::Block::KIND_NOT_SET:
      break;
  }
  return absl::InternalError("CheckBlockFields let a block without kind pass");
}

absl::Status CheckInput(const v1::Architecture& architecture) {
  RETURN_IF_ERROR(CheckBetween("input_size", architecture.input_size(),
                               kMinInputSize, kMaxInputSize));
  if (architecture.input_channels() != 1 &&
      architecture.input_channels() != 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("input_channels is ", architecture.input_channels(),
                     "; it must be 1 (grey) or 3 (RGB)"));
  }
  RETURN_IF_ERROR(CheckBetween("num_classes", architecture.num_classes(),
                               kMinClasses, kMaxClasses));
  return CheckBetween("number of blocks", architecture.blocks_size(), 1,
                      kMaxBlocks);
}

// Names, and that exactly the last block is a classifier.
absl::Status CheckSequence(const v1::Architecture& architecture) {
  absl::flat_hash_set<absl::string_view> names;
  for (int i = 0; i < architecture.blocks_size(); ++i) {
    const v1::Block& block = architecture.blocks(i);
    if (!IsBlockName(block.name())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "blocks[", i, "].name must be 1..32 characters of [a-z0-9_]"));
    }
    if (!names.insert(block.name()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("blocks[", i, "].name \"", block.name(),
                       "\" is taken; names are unique"));
    }
    const bool last = i + 1 == architecture.blocks_size();
    if (block.has_classifier() != last) {
      return absl::InvalidArgumentError(
          absl::StrCat("block \"", block.name(), "\": ",
                       last ? "the last block must be a classifier"
                            : "a classifier must be the last block"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

const char* LayerKindName(LayerKind kind) {
  switch (kind) {
    case LayerKind::kConv:
      return "conv";
    case LayerKind::kDepthwise:
      return "depthwise";
    case LayerKind::kConcat:
      return "concat";
    case LayerKind::kAdd:
      return "add";
    case LayerKind::kMaxPool:
      return "max_pool";
    case LayerKind::kGlobalPool:
      return "global_pool";
    case LayerKind::kDropout:
      return "dropout";
    case LayerKind::kLinear:
      return "linear";
  }
  return "unknown";
}

absl::StatusOr<Graph> ExpandArchitecture(const v1::Architecture& architecture) {
  RETURN_IF_ERROR(CheckInput(architecture));
  RETURN_IF_ERROR(CheckSequence(architecture));
  GraphBuilder builder({.size = architecture.input_size(),
                        .channels = architecture.input_channels()},
                       architecture.num_classes());
  for (const v1::Block& block : architecture.blocks()) {
    RETURN_IF_ERROR(builder.AddBlock(block));
  }
  return std::move(builder).Build();
}

absl::StatusOr<Graph> ExpandBlock(const v1::Block& block, FeatureShape input,
                                  int num_classes) {
  constexpr int kMaxBlockChannels = 1 << 16;
  RETURN_IF_ERROR(CheckBetween("input size", input.size, 1, kMaxInputSize));
  RETURN_IF_ERROR(
      CheckBetween("input channels", input.channels, 1, kMaxBlockChannels));
  if (!block.name().empty() && !IsBlockName(block.name())) {
    return absl::InvalidArgumentError(
        "block name must be at most 32 characters of [a-z0-9_]");
  }
  GraphBuilder builder(input, num_classes);
  RETURN_IF_ERROR(builder.AddBlock(block));
  return std::move(builder).Build();
}

int RoundChannels(double channels) {
  constexpr int kMultiple = 8;
  const int nearest = static_cast<int>((channels + kMultiple / 2) / kMultiple);
  int rounded = std::max(kMultiple, nearest * kMultiple);
  if (rounded < 0.9 * channels) rounded += kMultiple;
  return rounded;
}

}  // namespace frostnas::arch
