// What the float network's tensors look like on calibration images.
//
// Two passes: extremes by channel, then histograms over the ranges these give.
// Tensors that must share a grid (quant/grid_groups.h) share a histogram.
// Tensors are addressed as in arch::Layer::inputs: by layer, or
// arch::kGraphInput.
//
// INVALID_ARGUMENT: no images, or a layer gives values that are not finite,
// naming it. CANCELLED: a stop was requested. Functions; results are values.
#ifndef FROSTNAS_QUANT_METHODS_RANGES_CALIBRATOR_H_
#define FROSTNAS_QUANT_METHODS_RANGES_CALIBRATOR_H_

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "arch/graph.h"
#include "base/stop.h"
#include "quant/methods/network/folded_network.h"
#include "quant/methods/ranges/batches.h"
#include "quant/methods/ranges/histogram.h"
#include "quant/observer.h"

namespace frostnas::quant {

// Smallest and largest value of each tensor's channels.
class TensorExtremes {
 public:
  explicit TensorExtremes(std::vector<std::vector<Range>> channels)
      : channels_(std::move(channels)) {}
  const std::vector<Range>& channels(int index) const {
    return channels_[index + 1];
  }
  // Of all channels.
  Range range(int index) const;

 private:
  std::vector<std::vector<Range>> channels_;  // by index + 1
};

absl::StatusOr<TensorExtremes> ObserveExtremes(const FoldedNetwork& folded,
                                               const CalibrationImages& images,
                                               const StopToken& stop);

// The range of a group's tensors and zero, one a group of GridGroups(graph).
std::vector<Range> GroupRanges(const arch::Graph& graph,
                               const TensorExtremes& extremes);

// One a group, over those ranges.
absl::StatusOr<std::vector<Histogram>> ObserveHistograms(
    const FoldedNetwork& folded, const TensorExtremes& extremes,
    const CalibrationImages& images, const StopToken& stop);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_RANGES_CALIBRATOR_H_
