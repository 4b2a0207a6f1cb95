#include "quant/methods/ranges/range_stages.h"

#include <vector>

#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "quant/grid.h"
#include "quant/grid_groups.h"
#include "quant/methods/ranges/batches.h"
#include "quant/methods/ranges/calibrator.h"
#include "quant/methods/ranges/ranges.h"
#include "quant/methods/ranges/weight_scales.h"

namespace frostnas::quant {
namespace {

absl::StatusOr<std::vector<Range>> ChooseRanges(const MethodInputs& inputs,
                                                const FoldedNetwork& network,
                                                const RangeOptions& options) {
  const CalibrationImages images = {inputs.calibration, network.dataset};
  inputs.Report(0, "ranges");
  ASSIGN_OR_RETURN(const TensorExtremes extremes,
                   ObserveExtremes(network, images, inputs.stop));
  std::vector<Range> ranges = GroupRanges(network.graph, extremes);
  if (options.method == RangeMethod::kMinMax) return ranges;
  inputs.Report(0.3, "histograms");
  ASSIGN_OR_RETURN(const std::vector<Histogram> histograms,
                   ObserveHistograms(network, extremes, images, inputs.stop));
  const GridGroups groups(network.graph);
  const int input = groups.group(arch::kGraphInput);
  const int logits =
      groups.group(static_cast<int>(network.graph.layers.size()) - 1);
  for (int g = 0; g < groups.num_groups(); ++g) {
    RETURN_IF_ERROR(inputs.stop.Check());
    if (g == input || g == logits) continue;
    inputs.Report(0.6 + 0.4 * g / groups.num_groups(), "choosing ranges");
    ASSIGN_OR_RETURN(ranges[g], ChooseRange(histograms[g], options));
  }
  return ranges;
}

void SetGrids(const std::vector<Range>& ranges, int bits,
              MethodResult& result) {
  const GridGroups groups(result.network.graph);
  const int input = groups.group(arch::kGraphInput);
  const auto grid = [&](int index) {
    const int group = groups.group(index);
    const Range& range = ranges[group];
    return ChooseGrid(range.min, range.max, group == input ? 8 : bits);
  };
  result.plan.input.grid = grid(arch::kGraphInput);
  const int layers = static_cast<int>(result.network.graph.layers.size());
  result.plan.outputs.resize(layers);
  for (int i = 0; i < layers; ++i) {
    result.plan.outputs[i].grid = grid(i);
    result.bits[i].activation = groups.group(i) == input ? 8 : bits;
  }
}

void RoundToNearest(const MethodOptions& options, const RangeOptions& ranges,
                    MethodResult& result) {
  const FoldedNetwork& network = result.network;
  result.plan.layers.resize(network.layers.size());
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const arch::Layer& layer = network.graph.layers[i];
    if (!layer.has_weights()) continue;
    const std::vector<float> scales =
        ChooseWeightScales(network.layers[i].weights, FilterLayoutOf(layer),
                           options.weights, ranges);
    result.plan.layers[i] =
        RoundWeights(layer, network.layers[i], scales, ranges.bits);
    result.bits[i].weights = ranges.bits;
  }
}

absl::Status SetRanges(RangeMethod method, const MethodInputs& inputs,
                       MethodResult& result) {
  const MethodOptions& options = inputs.options;
  result.bits.resize(result.network.layers.size());
  ASSIGN_OR_RETURN(
      const std::vector<Range> ranges,
      ChooseRanges(inputs, result.network,
                   {.method = method, .bits = options.activation_bits}));
  SetGrids(ranges, options.activation_bits, result);
  RoundToNearest(options, {.method = method, .bits = options.weight_bits},
                 result);
  return absl::OkStatus();
}

}  // namespace

absl::Status RunMinMax(const MethodInputs& inputs, MethodResult& result) {
  return SetRanges(RangeMethod::kMinMax, inputs, result);
}

absl::Status RunPercentile(const MethodInputs& inputs, MethodResult& result) {
  return SetRanges(RangeMethod::kPercentile, inputs, result);
}

absl::Status RunMse(const MethodInputs& inputs, MethodResult& result) {
  return SetRanges(RangeMethod::kMse, inputs, result);
}

absl::Status RunKl(const MethodInputs& inputs, MethodResult& result) {
  return SetRanges(RangeMethod::kKl, inputs, result);
}

}  // namespace frostnas::quant
