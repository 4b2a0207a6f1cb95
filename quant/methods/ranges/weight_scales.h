// Scales of symmetric weights: real = scale * q, |q| <= 2^(bits - 1) - 1.
//
//   min-max     max|w| is the last point.
//   percentile  the p-th percentile of |w| is, linearly between neighbours; of
//               a filter of few weights nearly the maximum.
//   mse         the scale with the least squared error of min-max times 1,
//               0.99, ..., 0.2 (Nagel et al., arXiv 2106.08295, 3.1).
//   kl          min-max: entropy is about the distribution of many values.
//
// Pure functions; any thread.
#ifndef FROSTNAS_QUANT_METHODS_RANGES_WEIGHT_SCALES_H_
#define FROSTNAS_QUANT_METHODS_RANGES_WEIGHT_SCALES_H_

#include <vector>

#include "absl/types/span.h"
#include "quant/methods/network/folded_network.h"
#include "quant/methods/network/integer_layers.h"
#include "quant/methods/ranges/ranges.h"

namespace frostnas::quant {

// As many scales as output channels; all the same per tensor. 1 where all
// weights are zero, or so small that no scale represents them. `weights`
// finite, options as ChooseRange demands.
std::vector<float> ChooseWeightScales(absl::Span<const float> weights,
                                      const FilterLayout& layout,
                                      WeightGranularity granularity,
                                      const RangeOptions& options);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_RANGES_WEIGHT_SCALES_H_
