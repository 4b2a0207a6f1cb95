// The published search for the format of one tensor (Goyal et al., arXiv
// 2102.02147, section 3; methods.md 5).
//
// A tensor goes from its start down the diagonal (a bit and a fractional bit
// less), one step past the first failure; then a bit less at the same fraction,
// which clips more; then to the best of the nine neighbours when that is better
// by 0.15 points or as good with fewer bits. A step fails when the network
// loses more than the tensor's budget.
//
// Pure functions but for what `loss` does; any thread. Errors are those of
// `loss`.
#ifndef FROSTNAS_QUANT_METHODS_FIXED_POINT_DESCENT_H_
#define FROSTNAS_QUANT_METHODS_FIXED_POINT_DESCENT_H_

#include <functional>

#include "absl/status/statusor.h"
#include "quant/methods/fixed_point/fixed_point.h"
#include "quant/methods/fixed_point/searched_tensor.h"

namespace frostnas::quant {

// The published budget of tensor `i` of `count`, 0-based: with b = max_loss /
// 2, b (i + 1) / count for weights, b for biases, b + b (i + 1) / count for
// activations.
double BudgetOf(TensorKind kind, int i, int count, double max_loss);

struct MeasuredFormat {
  FixedPoint format;
  double loss = 0;  // expected
};

// How one tensor is searched: `loss` measures a format. Returns `start` when
// nothing is within the budget. Formats have at most `max_bits`.
absl::StatusOr<MeasuredFormat> DescendTensor(
    const FixedPoint& start, double budget, int max_bits,
    const std::function<absl::StatusOr<double>(const FixedPoint&)>& loss);

// DescendTensor from the format in `choice`; biases, which have 16 bits there,
// from 8, and from 16 where 8 are beyond the budget.
absl::StatusOr<MeasuredFormat> SearchTensor(
    const SearchedTensor& tensor, const FixedPointNetwork& choice,
    double budget,
    const std::function<absl::StatusOr<double>(const FixedPoint&)>& loss);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_FIXED_POINT_DESCENT_H_
