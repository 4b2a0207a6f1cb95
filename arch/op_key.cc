#include "arch/op_key.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace frostnas::arch {
namespace {

constexpr char kGlobalMaxPool[] = "global_max_pool";
constexpr int kMaxSize = 1024;
constexpr int kMaxChannels = 1 << 17;

absl::Status CheckField(const v1::OpKey& op, absl::string_view field, int value,
                        int low, int high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("op \"", op.kind(), "\": ", field, " is ", value,
                   "; it must be ", low, "..", high));
}

bool HasWindow(LayerKind kind) {
  return kind == LayerKind::kConv || kind == LayerKind::kDepthwise ||
         kind == LayerKind::kMaxPool;
}

// Kind and kind of pooling of an empty layer.
absl::StatusOr<Layer> LayerOfKind(const v1::OpKey& op) {
  Layer layer;
  if (op.kind() == kGlobalMaxPool) {
    layer.kind = LayerKind::kGlobalPool;
    layer.pool = v1::GLOBAL_POOL_MAX;
    return layer;
  }
  for (const LayerKind kind :
       {LayerKind::kConv, LayerKind::kDepthwise, LayerKind::kConcat,
        LayerKind::kAdd, LayerKind::kMaxPool, LayerKind::kGlobalPool,
        LayerKind::kLinear}) {
    if (op.kind() != LayerKindName(kind)) continue;
    layer.kind = kind;
    if (kind == LayerKind::kGlobalPool) layer.pool = v1::GLOBAL_POOL_AVERAGE;
    return layer;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("op kind \"", op.kind(), "\" is unknown"));
}

absl::Status CheckRanges(const v1::OpKey& op, LayerKind kind) {
  const int max_size = kind == LayerKind::kLinear ? 1 : kMaxSize;
  RETURN_IF_ERROR(CheckField(op, "in_size", op.in_size(), 1, max_size));
  RETURN_IF_ERROR(
      CheckField(op, "in_channels", op.in_channels(), 1, kMaxChannels));
  const bool changes_channels = kind == LayerKind::kConv ||
                                kind == LayerKind::kConcat ||
                                kind == LayerKind::kLinear;
  int low = changes_channels ? 1 : op.in_channels();
  const int high = changes_channels ? kMaxChannels : op.in_channels();
  if (kind == LayerKind::kConcat) low = op.in_channels() + 1;
  RETURN_IF_ERROR(CheckField(op, "out_channels", op.out_channels(), low, high));
  const int window = HasWindow(kind) ? 7 : 1;
  RETURN_IF_ERROR(CheckField(op, "kernel", op.kernel(), 1, window));
  RETURN_IF_ERROR(
      CheckField(op, "stride", op.stride(), 1, HasWindow(kind) ? 3 : 1));
  const bool convolution =
      kind == LayerKind::kConv || kind == LayerKind::kDepthwise;
  RETURN_IF_ERROR(
      CheckField(op, "activation", op.activation(), v1::ACTIVATION_NONE,
                 convolution ? v1::ACTIVATION_RELU6 : v1::ACTIVATION_NONE));
  if (convolution && op.kernel() % 2 == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "op \"", op.kind(), "\": kernel is ", op.kernel(), "; it must be odd"));
  }
  if (kind == LayerKind::kMaxPool) {
    return CheckField(op, "kernel", op.kernel(), 1, op.in_size());
  }
  return absl::OkStatus();
}

int OutputSize(const v1::OpKey& op, LayerKind kind) {
  switch (kind) {
    case LayerKind::kConv:
    case LayerKind::kDepthwise:
      return (op.in_size() - 1) / op.stride() + 1;
    case LayerKind::kMaxPool:
      return (op.in_size() - op.kernel()) / op.stride() + 1;
    case LayerKind::kGlobalPool:
      return 1;
    default:
      return op.in_size();
  }
}

// Collects keys once each.
class OpCollector {
 public:
  void Add(const Graph& graph) {
    for (const Layer& layer : graph.layers) {
      const std::optional<v1::OpKey> op = OpKeyOf(layer);
      if (op && seen_.insert(OpKeyText(*op)).second) ops_.push_back(*op);
    }
  }
  std::vector<v1::OpKey> Take() && { return std::move(ops_); }

 private:
  absl::flat_hash_set<std::string> seen_;
  std::vector<v1::OpKey> ops_;
};

}  // namespace

std::optional<v1::OpKey> OpKeyOf(const Layer& layer) {
  if (layer.kind == LayerKind::kDropout) return std::nullopt;
  v1::OpKey op;
  op.set_kind(layer.pool == v1::GLOBAL_POOL_MAX ? kGlobalMaxPool
                                                : LayerKindName(layer.kind));
  op.set_in_size(layer.in.size);
  op.set_in_channels(layer.in.channels);
  op.set_out_channels(layer.out.channels);
  op.set_kernel(layer.kernel);
  op.set_stride(layer.stride);
  op.set_activation(layer.activation);
  return op;
}

absl::StatusOr<Layer> LayerOf(const v1::OpKey& op) {
  ASSIGN_OR_RETURN(Layer layer, LayerOfKind(op));
  RETURN_IF_ERROR(CheckRanges(op, layer.kind));
  layer.name = "op";
  const bool two =
      layer.kind == LayerKind::kAdd || layer.kind == LayerKind::kConcat;
  layer.inputs.assign(two ? 2 : 1, kGraphInput);
  layer.in = {.size = op.in_size(), .channels = op.in_channels()};
  layer.out = {.size = OutputSize(op, layer.kind),
               .channels = op.out_channels()};
  layer.kernel = op.kernel();
  layer.stride = op.stride();
  layer.batch_norm =
      layer.kind == LayerKind::kConv || layer.kind == LayerKind::kDepthwise;
  layer.activation = op.activation();
  return layer;
}

std::string OpKeyText(const v1::OpKey& op) {
  return absl::StrCat(op.kind(), " size=", op.in_size(),
                      " in=", op.in_channels(), " out=", op.out_channels(),
                      " kernel=", op.kernel(), " stride=", op.stride(),
                      " activation=", op.activation());
}

std::vector<v1::OpKey> DistinctOps(const Graph& graph) {
  OpCollector ops;
  ops.Add(graph);
  return std::move(ops).Take();
}

std::vector<v1::OpKey> DistinctOps(const SearchSpace& space) {
  OpCollector ops;
  for (const SearchSlot& slot : space.slots()) {
    for (const SlotCandidate& candidate : slot.candidates) {
      ops.Add(candidate.graph);
    }
  }
  return std::move(ops).Take();
}

}  // namespace frostnas::arch
