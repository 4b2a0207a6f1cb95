#include "nn/graph/graph_check.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace frostnas::nn {
namespace {

using arch::FeatureShape;
using arch::Layer;
using arch::LayerKind;

std::string Describe(const FeatureShape& shape) {
  return absl::StrCat(shape.size, "x", shape.size, "x", shape.channels);
}

absl::Status Wrong(const Layer& layer, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("layer ", layer.name, ": ", what));
}

FeatureShape ProducedBy(const arch::Graph& graph, int index) {
  return index == arch::kGraphInput ? graph.input : graph.layers[index].out;
}

bool IsMerge(LayerKind kind) {
  return kind == LayerKind::kConcat || kind == LayerKind::kAdd;
}

absl::Status CheckInputs(const arch::Graph& graph, size_t index) {
  const Layer& layer = graph.layers[index];
  const size_t wanted = IsMerge(layer.kind) ? 2 : 1;
  if (layer.inputs.size() != wanted) {
    return Wrong(layer, absl::StrCat("has ", layer.inputs.size(),
                                     " inputs, needs ", wanted));
  }
  for (int input : layer.inputs) {
    if (input < arch::kGraphInput || input >= static_cast<int>(index)) {
      return Wrong(layer,
                   absl::StrCat("input ", input, " is not an earlier layer"));
    }
  }
  const FeatureShape in = ProducedBy(graph, layer.inputs[0]);
  if (in == layer.in) return absl::OkStatus();
  return Wrong(layer, absl::StrCat("expects ", Describe(layer.in), " but gets ",
                                   Describe(in)));
}

absl::Status CheckOptions(const Layer& layer) {
  const bool convolves =
      layer.kind == LayerKind::kConv || layer.kind == LayerKind::kDepthwise;
  if (convolves && (layer.kernel < 1 || layer.kernel % 2 == 0)) {
    return Wrong(layer, "kernel must be odd");
  }
  if (layer.kernel < 1 || layer.stride < 1) {
    return Wrong(layer, "kernel and stride must be positive");
  }
  if (convolves && layer.activation == v1::ACTIVATION_UNSPECIFIED) {
    return Wrong(layer, "activation is not specified");
  }
  if (layer.norm_after_activation && !layer.batch_norm) {
    return Wrong(layer, "norm_after_activation without batch_norm");
  }
  if (layer.dropout < 0 || layer.dropout >= 1) {
    return Wrong(layer, "dropout must be in [0, 1)");
  }
  if (layer.kind == LayerKind::kGlobalPool &&
      layer.pool != v1::GLOBAL_POOL_AVERAGE &&
      layer.pool != v1::GLOBAL_POOL_MAX) {
    return Wrong(layer, "pool must be average or max");
  }
  return absl::OkStatus();
}

// What the layer gives, with the free choices (output channels) as declared.
FeatureShape OutputShape(const arch::Graph& graph, const Layer& layer) {
  const FeatureShape in = layer.in;
  switch (layer.kind) {
    case LayerKind::kConv:
      return {(in.size - 1) / layer.stride + 1, layer.out.channels};
    case LayerKind::kDepthwise:
      return {(in.size - 1) / layer.stride + 1, in.channels};
    case LayerKind::kConcat:
      return {in.size,
              in.channels + ProducedBy(graph, layer.inputs[1]).channels};
    case LayerKind::kAdd:
    case LayerKind::kDropout:
      return in;
    case LayerKind::kMaxPool:
      return {(in.size - layer.kernel) / layer.stride + 1, in.channels};
    case LayerKind::kGlobalPool:
      return {1, in.channels};
    case LayerKind::kLinear:
      return {1, layer.out.channels};
  }
  return {};
}

// The last layer's output is the network's; every other one needs a consumer.
absl::Status CheckUsed(const arch::Graph& graph) {
  std::set<int> used;
  for (const Layer& layer : graph.layers) {
    used.insert(layer.inputs.begin(), layer.inputs.end());
  }
  for (size_t i = 0; i + 1 < graph.layers.size(); ++i) {
    if (used.count(static_cast<int>(i)) == 0) {
      return Wrong(graph.layers[i], "output is not used");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckShapes(const arch::Graph& graph, const Layer& layer) {
  if (layer.in.size < 1 || layer.in.channels < 1 || layer.out.channels < 1) {
    return Wrong(layer, "has no pixels or channels");
  }
  if (IsMerge(layer.kind)) {
    const FeatureShape second = ProducedBy(graph, layer.inputs[1]);
    const bool fits = layer.kind == LayerKind::kAdd
                          ? second == layer.in
                          : second.size == layer.in.size;
    if (!fits) {
      return Wrong(layer, absl::StrCat("inputs ", Describe(layer.in), " and ",
                                       Describe(second), " do not fit"));
    }
  }
  if (layer.kind == LayerKind::kMaxPool && layer.kernel > layer.in.size) {
    return Wrong(layer, "window is larger than its input");
  }
  if (layer.kind == LayerKind::kLinear && layer.in.size != 1) {
    return Wrong(layer, "needs a 1x1 input; pool first");
  }
  const FeatureShape out = OutputShape(graph, layer);
  if (out == layer.out) return absl::OkStatus();
  return Wrong(layer, absl::StrCat("gives ", Describe(out), " but declares ",
                                   Describe(layer.out)));
}

}  // namespace

absl::Status CheckTrainable(const arch::Graph& graph) {
  if (graph.layers.empty()) {
    return absl::InvalidArgumentError("the graph has no layers");
  }
  std::set<std::string> names;
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    const Layer& layer = graph.layers[i];
    if (!names.insert(layer.name).second) {
      return Wrong(layer, "name is used twice");
    }
    RETURN_IF_ERROR(CheckInputs(graph, i));
    RETURN_IF_ERROR(CheckOptions(layer));
    RETURN_IF_ERROR(CheckShapes(graph, layer));
  }
  return CheckUsed(graph);
}

}  // namespace frostnas::nn
