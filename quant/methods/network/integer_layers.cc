#include "quant/methods/network/integer_layers.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "quant/convert.h"
#include "quant/grid.h"
#include "quant/grid_groups.h"
#include "quant/layer_params.h"
#include "quant/package.h"
#include "quant/quantized_graph.h"

namespace frostnas::quant {
namespace {

int WeightMax(int bits) { return (1 << (bits - 1)) - 1; }

absl::Status Wrong(const std::string& layer, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("plan of layer \"", layer, "\": ", what));
}

std::string NameOf(const arch::Graph& graph, int index) {
  return index == arch::kGraphInput ? "input" : graph.layers[index].name;
}

absl::Status CheckGrid(const std::string& name, const nn::AffineGrid& grid) {
  if (!(grid.scale > 0 && std::isnormal(grid.scale))) {
    return Wrong(name, absl::StrCat("scale is ", grid.scale,
                                    "; it must be positive and finite"));
  }
  if (grid.qmin < 0 || grid.qmax > kStoredMax || grid.zero_point < grid.qmin ||
      grid.zero_point > grid.qmax) {
    return Wrong(name,
                 absl::StrCat("stored values are [", grid.qmin, ", ", grid.qmax,
                              "] with zero point ", grid.zero_point,
                              "; both must lie within 0..255"));
  }
  return absl::OkStatus();
}

bool Same(const nn::AffineGrid& a, const nn::AffineGrid& b) {
  return a.scale == b.scale && a.zero_point == b.zero_point &&
         a.qmin == b.qmin && a.qmax == b.qmax;
}

absl::Status CheckGrids(const arch::Graph& graph,
                        const QuantizationPlan& plan) {
  if (plan.input.grid.qmin != 0 || plan.input.grid.qmax != kStoredMax) {
    return Wrong("input", "the image has 8 bits, stored values are 0..255");
  }
  const GridGroups groups(graph);
  std::vector<int> first(groups.num_groups(), arch::kGraphInput - 1);
  const int count = static_cast<int>(graph.layers.size());
  for (int i = arch::kGraphInput; i < count; ++i) {
    RETURN_IF_ERROR(CheckGrid(NameOf(graph, i), plan.grid(i)));
    int& of_group = first[groups.group(i)];
    if (of_group < arch::kGraphInput) of_group = i;
    if (!Same(plan.grid(i), plan.grid(of_group))) {
      return Wrong(NameOf(graph, i),
                   absl::StrCat("its grid must be the one of \"",
                                NameOf(graph, of_group),
                                "\", whose values reach it unchanged"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckWeights(const arch::Layer& layer,
                          const QuantizedWeights& quantized) {
  const FilterLayout layout = FilterLayoutOf(layer);
  const size_t channels = static_cast<size_t>(layout.channels);
  const int64_t weights = layout.elements * layout.channels;
  if (static_cast<int64_t>(quantized.weights.size()) != weights ||
      quantized.scale.size() != channels || quantized.bias.size() != channels) {
    return Wrong(layer.name,
                 absl::StrCat("has ", quantized.weights.size(), " weights, ",
                              quantized.scale.size(), " scales and ",
                              quantized.bias.size(), " biases; it needs ",
                              weights, ", ", channels, " and ", channels));
  }
  for (size_t c = 0; c < channels; ++c) {
    if (!(quantized.scale[c] > 0 && std::isfinite(quantized.scale[c]))) {
      return Wrong(layer.name,
                   absl::StrCat("scale[", c, "] is ", quantized.scale[c],
                                "; it must be positive and finite"));
    }
    if (!std::isfinite(quantized.bias[c])) {
      return Wrong(layer.name, absl::StrCat("bias[", c, "] is not finite"));
    }
  }
  const bool fits =
      std::all_of(quantized.weights.begin(), quantized.weights.end(),
                  [](int8_t w) { return w >= -kWeightMax; });
  return fits ? absl::OkStatus() : Wrong(layer.name, "has the weight -128");
}

absl::Status CheckFolded(const arch::Layer& layer, const FoldedLayer& folded) {
  const size_t norms = layer.norm_after_activation ? layer.out.channels : 0;
  if (folded.post_scale.size() != norms || folded.post_shift.size() != norms) {
    return Wrong(
        layer.name,
        absl::StrCat("the folded layer has ", folded.post_scale.size(),
                     " scales after its activation; it needs ", norms));
  }
  return absl::OkStatus();
}

std::vector<int8_t> FilterOf(const FilterLayout& layout,
                             const QuantizedWeights& quantized, int channel) {
  std::vector<int8_t> filter;
  for (int64_t i = 0; i < layout.elements; ++i) {
    filter.push_back(quantized.weights[layout.at(channel, i)]);
  }
  return filter;
}

void AssembleWeights(const arch::Layer& layer, const FoldedLayer& folded,
                     const QuantizedWeights& quantized,
                     const ChannelGrids& grids, v1::PackageLayer& to) {
  const FilterLayout layout = FilterLayoutOf(layer);
  for (int c = 0; c < layout.channels; ++c) {
    const std::vector<int8_t> filter = FilterOf(layout, quantized, c);
    RoundedChannel channel = {.weights = filter,
                              .scale = quantized.scale[c],
                              .bias = quantized.bias[c]};
    if (layer.norm_after_activation) {
      channel.factor = folded.post_scale[c];
      channel.bias = channel.factor * channel.bias + folded.post_shift[c];
    }
    StoreChannel(GeometryOf(layer), FoldChannel(channel, grids), c, to);
  }
}

// Of fewer bits, and of an activation before its norm. Where values are only
// moved the bounds are already in what is moved.
void AddBounds(const arch::Layer& layer, const FoldedLayer& folded,
               const nn::AffineGrid& grid, v1::PackageLayer& to) {
  if (MovesValues(layer)) return;
  if (!layer.norm_after_activation) {
    if (grid.qmin > 0) to.set_low(std::string(1, static_cast<char>(grid.qmin)));
    if (grid.qmax < kStoredMax) {
      to.set_high(std::string(1, static_cast<char>(grid.qmax)));
    }
    return;
  }
  for (size_t c = 0; c < folded.post_scale.size(); ++c) {
    const StoredRange range = NormedRange(
        folded.post_scale[c], folded.post_shift[c], layer.activation, grid);
    to.mutable_low()->push_back(static_cast<char>(range.low));
    to.mutable_high()->push_back(static_cast<char>(range.high));
  }
}

}  // namespace

std::vector<float> MaxScales(const arch::Layer& layer,
                             const FoldedLayer& folded,
                             WeightGranularity granularity, int bits) {
  const FilterLayout layout = FilterLayoutOf(layer);
  std::vector<float> largest(layout.channels, 0.0f);
  for (int c = 0; c < layout.channels; ++c) {
    for (int64_t i = 0; i < layout.elements; ++i) {
      largest[c] =
          std::max(largest[c], std::abs(folded.weights[layout.at(c, i)]));
    }
  }
  if (granularity == WeightGranularity::kPerTensor) {
    const float all = *std::max_element(largest.begin(), largest.end());
    std::fill(largest.begin(), largest.end(), all);
  }
  for (float& value : largest) {
    value /= static_cast<float>(WeightMax(bits));
    // Also where the largest weight is so small that its scale has no inverse.
    if (!std::isnormal(value)) value = 1;
  }
  return largest;
}

QuantizedWeights RoundWeights(const arch::Layer& layer,
                              const FoldedLayer& folded,
                              absl::Span<const float> scale, int bits) {
  const FilterLayout layout = FilterLayoutOf(layer);
  const int q_max = WeightMax(bits);
  QuantizedWeights quantized;
  quantized.weights.resize(folded.weights.size());
  quantized.scale.assign(scale.begin(), scale.end());
  quantized.bias = folded.bias;
  for (int c = 0; c < layout.channels; ++c) {
    for (int64_t i = 0; i < layout.elements; ++i) {
      const int64_t at = layout.at(c, i);
      quantized.weights[at] = static_cast<int8_t>(std::clamp(
          RoundHalfEven(folded.weights[at] / scale[c]), -q_max, q_max));
    }
  }
  return quantized;
}

std::vector<float> Dequantize(const arch::Layer& layer,
                              const QuantizedWeights& quantized) {
  const FilterLayout layout = FilterLayoutOf(layer);
  std::vector<float> weights(quantized.weights.size());
  for (int c = 0; c < layout.channels; ++c) {
    for (int64_t i = 0; i < layout.elements; ++i) {
      const int64_t at = layout.at(c, i);
      weights[at] = quantized.scale[c] * quantized.weights[at];
    }
  }
  return weights;
}

absl::Status CheckPlan(const FoldedNetwork& folded,
                       const QuantizationPlan& plan) {
  const arch::Graph& graph = folded.graph;
  const size_t count = graph.layers.size();
  if (folded.layers.size() != count || plan.layers.size() != count ||
      plan.outputs.size() != count) {
    return absl::InvalidArgumentError(
        absl::StrCat("the plan has ", plan.layers.size(), " layers and ",
                     plan.outputs.size(), " output grids; the graph has ",
                     count, " layers"));
  }
  RETURN_IF_ERROR(CheckGrids(graph, plan));
  for (size_t i = 0; i < count; ++i) {
    if (!graph.layers[i].has_weights()) continue;
    RETURN_IF_ERROR(CheckFolded(graph.layers[i], folded.layers[i]));
    RETURN_IF_ERROR(CheckWeights(graph.layers[i], plan.layers[i]));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Package> Assemble(const FoldedNetwork& folded,
                                     const QuantizationPlan& plan) {
  RETURN_IF_ERROR(CheckPlan(folded, plan));
  QuantizedGraph quantized;
  quantized.graph = folded.graph;
  quantized.input = ToProto(plan.input.grid);
  for (size_t i = 0; i < folded.layers.size(); ++i) {
    const arch::Layer& layer = folded.graph.layers[i];
    const nn::AffineGrid& grid = plan.outputs[i].grid;
    v1::PackageLayer& to = quantized.layers.emplace_back();
    to.set_name(layer.name);
    *to.mutable_output() = ToProto(grid);
    if (layer.has_weights()) {
      AssembleWeights(layer, folded.layers[i], plan.layers[i],
                      {.src_scale = plan.grid(layer.inputs[0]).scale,
                       .dst_scale = grid.scale},
                      to);
    }
    AddBounds(layer, folded.layers[i], grid, to);
  }
  return MakePackage(std::move(quantized), folded.architecture, folded.dataset);
}

}  // namespace frostnas::quant
