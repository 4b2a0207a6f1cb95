// The published search for bits and fractions after training (Goyal et al.,
// arXiv 2102.02147, sections 3 and 4; methods.md 5).
//
// Weights of all layers, then biases, then activations, forward through the
// network. Each tensor is searched as descent.h says, in the network with all
// that was chosen before.
//
// Where it differs from the published one, and why:
//   - it starts at 8 bits, not 12: packages hold weights and activations in
//     bytes. Tensors not searched yet have 8 bits too (biases 16), so that a
//     loss is always that of a package.
//   - a step is measured on held-out images, never on the test split, and by
//     PlanScore::expected_loss, from that of the start on. The measured loss,
//     taken 400 times, finds what the images happen to favour: it saw 0.1 % of
//     loss where other images lost 1.1 %.
//   - biases are searched from 8 bits, and from 16 only where those lose too
//     much: where inputs are small next to a bias, 8 bits of it are few.
//   - what it finds must be within the bound by PlanScore::believed_loss; else
//     budgets are reduced to 70 % and it runs again.
//
// CANCELLED, INVALID_ARGUMENT, INTERNAL: as PlanEvaluator.
#ifndef FROSTNAS_QUANT_METHODS_FIXED_POINT_FIXED_POINT_SEARCH_H_
#define FROSTNAS_QUANT_METHODS_FIXED_POINT_FIXED_POINT_SEARCH_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "quant/methods/fixed_point/fixed_point.h"
#include "quant/methods/fixed_point/fixed_point_evaluator.h"

namespace frostnas::quant {

// 8 bits for weights and activations, 16 for biases; nothing is clipped.
FixedPointNetwork NoClipStart(const FixedPointContext& context);

struct SearchProgress {
  double done = 0;  // 0..1
  std::string what;
};
using OnSearchProgress = std::function<void(const SearchProgress&)>;

struct SearchResult {
  FixedPointNetwork choice;
  PlanScore score;  // of `choice`, on the search images
  int evaluations = 0;
};

// NoClipStart, whatever it loses, when nothing is within `max_loss`; and at
// once when it is expected to lose that much: nothing but luck would mend it.
// So with IndependentSearch.
absl::StatusOr<SearchResult> GreedySearch(const FixedPointContext& context,
                                          PlanEvaluator& evaluator,
                                          double max_loss,
                                          const OnSearchProgress& progress);

// The ablation: each tensor searched alone in the network of NoClipStart, all
// choices put together at the end. What they lose together no budget bounds, so
// budgets are halved until it is at most `max_loss`.
absl::StatusOr<SearchResult> IndependentSearch(
    const FixedPointContext& context, PlanEvaluator& evaluator, double max_loss,
    const OnSearchProgress& progress);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_FIXED_POINT_FIXED_POINT_SEARCH_H_
