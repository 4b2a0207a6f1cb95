// Which range of an activation's values its grid should cover.
//
// A narrower range has smaller steps and clips more. The choices:
//   min-max     nothing is clipped.
//   percentile  the range between the (100 - p)-th and the p-th percentile of
//               all values, zeros included, and zero.
//   mse         the range with the least mean squared error, of min-max scaled
//               by 1, 0.99, ..., 0.2; each end of a signed range by itself, in
//               steps of 0.05, then of 0.01 around the best (Nagel et al.,
//               arXiv 2106.08295, 3.1).
//   kl          the range whose quantized values are distributed most like the
//               values themselves: the entropy calibration of TensorRT (Migacz
//               2017), see KlThreshold.
//
// Grids always contain zero, so ranges are extended to it (ChooseGrid).
// Histograms stand for values by the middles of their bins.
//
// Pure functions; any thread. An empty histogram gives INVALID_ARGUMENT; a
// constant tensor and one of zeros give ranges with a usable grid.
#ifndef FROSTNAS_QUANT_METHODS_RANGES_RANGES_H_
#define FROSTNAS_QUANT_METHODS_RANGES_RANGES_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "nn/quant_hooks.h"
#include "quant/methods/ranges/histogram.h"
#include "quant/observer.h"

namespace frostnas::quant {

// The narrowest range mse tries, in percent of min-max.
inline constexpr int kLeastRatio = 20;

enum class RangeMethod { kMinMax, kPercentile, kMse, kKl };

struct RangeOptions {
  RangeMethod method = RangeMethod::kMinMax;
  double percentile = 99.99;  // in (50, 100]
  int bits = 8;               // of the grid, 2..8
};

// For a tensor on an affine grid.
absl::StatusOr<Range> ChooseRange(const Histogram& values,
                                  const RangeOptions& options);

// Mean squared error of the values on a grid; 0 of no values.
double MeanSquaredError(const Histogram& values, const nn::AffineGrid& grid);

// Entropy calibration over bins of |x|, of which bin b holds values around
// (b + 1/2) widths: how many of the bins, from the first, the grid should
// cover. For each candidate i = levels, levels + 1, ..., all:
//   p   the first i counts, those beyond added to the last of them;
//   q   the first i counts without that, merged into `levels` runs of bins
//       (run k is [k i / levels, (k + 1) i / levels)), each run's sum spread
//       evenly over its bins with p > 0;
//   both divided by their sums. The candidate with the least
//   sum p log(p / q) wins; one with q = 0 < p anywhere has infinitely much.
// All bins when there are no more than `levels` or all are empty.
int KlThreshold(absl::Span<const double> counts, int levels);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_RANGES_RANGES_H_
