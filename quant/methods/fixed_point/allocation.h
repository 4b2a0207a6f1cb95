// A better allocation of bits than the published search (fixed_point_search.h).
//
// That search gives the first layers what they ask for and leaves the rest what
// is left of the budget, stops at the first failures, decides by an accuracy
// whose noise is larger than a layer's budget, wastes a bit on the sign of what
// is never negative, and has one fraction a weight tensor. Here:
//
//   - bits are taken one at a time where they save most for the least harm:
//     gain = 3 * share of the 8-bit memory + share of the 8-bit
//     multiplications, harm = growth of the divergence from the float network's
//     answers (PlanScore), measured with all that was taken before. Harm is
//     measured again only when a tensor comes first by what was measured
//     earlier; taking bits rarely makes another tensor less sensitive (lazy
//     greedy).
//   - the fraction that goes with fewer bits is the better of the same (more is
//     clipped) and one less (steps are coarser); of weights the one with the
//     least squared error, for each output channel.
//   - weights are rounded so that the errors of a filter cancel in its output
//     (allocation_rounding.h).
//   - activations use all codes of their bits (ActivationForm::kOffset).
//   - a tensor is done when its next bit would break the bound on the loss; the
//     others go on.
//
// Biases have 8 bits: they are 0.1 % of the memory.
//
// CANCELLED, INVALID_ARGUMENT, INTERNAL: as PlanEvaluator.
#ifndef FROSTNAS_QUANT_METHODS_FIXED_POINT_ALLOCATION_H_
#define FROSTNAS_QUANT_METHODS_FIXED_POINT_ALLOCATION_H_

#include "absl/status/statusor.h"
#include "quant/methods/fixed_point/fixed_point.h"
#include "quant/methods/fixed_point/fixed_point_evaluator.h"
#include "quant/methods/fixed_point/fixed_point_search.h"

namespace frostnas::quant {

// 8 bits everywhere; fractions of least squared error, of activations where
// context.values are given.
FixedPointNetwork LeastErrorStart(const FixedPointContext& context,
                                  WeightGranularity granularity);

struct AllocationOptions {
  double max_loss = 0.01;
  WeightGranularity granularity = WeightGranularity::kPerChannel;
  int least_bits = 2;
  // Memory saved counts so much more than multiplications.
  double memory_weight = 3;
};

absl::StatusOr<SearchResult> AllocateBits(const FixedPointContext& context,
                                          PlanEvaluator& evaluator,
                                          const AllocationOptions& options,
                                          const OnSearchProgress& progress);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_FIXED_POINT_ALLOCATION_H_
