#include "quant/methods/ranges/calibrator.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "nn/network.h"
#include "quant/grid_groups.h"
#include "quant/layer_params.h"

namespace frostnas::quant {
namespace {

constexpr Range kNothing = {.min = std::numeric_limits<float>::infinity(),
                            .max = -std::numeric_limits<float>::infinity()};

void Extend(const Range& by, Range& range) {
  range.min = std::min(range.min, by.min);
  range.max = std::max(range.max, by.max);
}

// A NaN makes the channel's maximum an infinity.
void Extend(const nn::Tensor& values, std::vector<Range>& channels) {
  const size_t count = channels.size();
  const float* value = values.data();
  for (int64_t row = 0; row < values.shape().rows(); ++row) {
    for (size_t c = 0; c < count; ++c, ++value) {
      const float v =
          std::isnan(*value) ? std::numeric_limits<float>::infinity() : *value;
      Extend({.min = v, .max = v}, channels[c]);
    }
  }
}

// Tensor `index` of the network's last forward pass over `images`.
const nn::Tensor& TensorOf(const nn::Network& network, const nn::Tensor& images,
                           int index) {
  return index == arch::kGraphInput ? images : network.layer_output(index);
}

absl::Status CheckFinite(const arch::Graph& graph,
                         const TensorExtremes& extremes) {
  for (int i = arch::kGraphInput; i < static_cast<int>(graph.layers.size());
       ++i) {
    const Range range = extremes.range(i);
    if (std::isfinite(range.min) && std::isfinite(range.max)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        i == arch::kGraphInput
            ? "the input"
            : absl::StrCat("layer \"", graph.layers[i].name, "\""),
        " has values that are not finite on the calibration images"));
  }
  return absl::OkStatus();
}

}  // namespace

Range TensorExtremes::range(int index) const {
  Range range = kNothing;
  for (const Range& channel : channels(index)) Extend(channel, range);
  return range;
}

absl::StatusOr<TensorExtremes> ObserveExtremes(const FoldedNetwork& folded,
                                               const CalibrationImages& images,
                                               const StopToken& stop) {
  ASSIGN_OR_RETURN(const std::unique_ptr<nn::Network> network,
                   FloatNetworkOf(folded));
  const arch::Graph& graph = folded.graph;
  const int layers = static_cast<int>(graph.layers.size());
  std::vector<std::vector<Range>> channels;
  for (int i = arch::kGraphInput; i < layers; ++i) {
    channels.emplace_back(ShapeOf(graph, i).channels, kNothing);
  }
  RETURN_IF_ERROR(ForEachBatch(images, stop, [&](const nn::Tensor& batch) {
    network->Forward(batch, nn::Mode::kEval);
    for (int i = arch::kGraphInput; i < layers; ++i) {
      Extend(TensorOf(*network, batch, i), channels[i + 1]);
    }
  }));
  TensorExtremes extremes(std::move(channels));
  RETURN_IF_ERROR(CheckFinite(graph, extremes));
  return extremes;
}

std::vector<Range> GroupRanges(const arch::Graph& graph,
                               const TensorExtremes& extremes) {
  const GridGroups groups(graph);
  std::vector<Range> ranges(groups.num_groups());
  for (int i = arch::kGraphInput; i < static_cast<int>(graph.layers.size());
       ++i) {
    Extend(extremes.range(i), ranges[groups.group(i)]);
  }
  return ranges;
}

absl::StatusOr<std::vector<Histogram>> ObserveHistograms(
    const FoldedNetwork& folded, const TensorExtremes& extremes,
    const CalibrationImages& images, const StopToken& stop) {
  ASSIGN_OR_RETURN(const std::unique_ptr<nn::Network> network,
                   FloatNetworkOf(folded));
  const arch::Graph& graph = folded.graph;
  const GridGroups groups(graph);
  std::vector<Histogram> histograms;
  for (const Range& range : GroupRanges(graph, extremes)) {
    histograms.emplace_back(range, kHistogramBins);
  }
  RETURN_IF_ERROR(ForEachBatch(images, stop, [&](const nn::Tensor& batch) {
    network->Forward(batch, nn::Mode::kEval);
    for (int i = arch::kGraphInput; i < static_cast<int>(graph.layers.size());
         ++i) {
      // Values that are only moved were counted where they came from.
      if (i != arch::kGraphInput && MovesValues(graph.layers[i])) continue;
      histograms[groups.group(i)].Add(TensorOf(*network, batch, i).span());
    }
  }));
  return histograms;
}

}  // namespace frostnas::quant
