// Rounding a layer's weights so that its output changes least, not each weight.
//
// A filter's output is w . x. With C the covariance of x over calibration
// patches, rounding errors e change it by e C e on average, which errors that
// cancel keep small. Elements are rounded in order; what an element's rounding
// does is taken back, as well as can be, by those not rounded yet (Frantar et
// al., arXiv 2210.17323, section 3):
//
//   C + damping = R R^T, R upper triangular;  U = R^-1
//   for j:  q_j = round(w_j);  w_k -= (w_j - q_j) U_jk / U_jj  for k > j
//
// What rounding does to the mean of the output goes into the bias.
//
// Pure functions, but for ObserveInputs. Any thread.
#ifndef FROSTNAS_QUANT_METHODS_FIXED_POINT_ALLOCATION_ROUNDING_H_
#define FROSTNAS_QUANT_METHODS_FIXED_POINT_ALLOCATION_ROUNDING_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/stop.h"
#include "quant/methods/network/folded_network.h"
#include "quant/methods/ranges/batches.h"

namespace frostnas::quant {

// Of the patches a dense layer's filters see (quant/methods/network/patches.h);
// empty for depthwise and other layers.
struct InputStatistics {
  std::vector<double> mean;  // by element
  // U_jk / U_jj at j * elements + k for k > j.
  std::vector<float> feedback;

  bool empty() const { return mean.empty(); }
};

// `covariance`: elements x elements, symmetric; the lower half is not read.
// Damped by a hundredth of its mean diagonal, so that elements that are always
// zero, or copies of others, do no harm.
std::vector<float> FeedbackOf(std::vector<double> covariance, int elements);

// q of each weight in [-largest, largest], weights being in steps.
std::vector<int8_t> RoundWithFeedback(std::vector<float> weights, int largest,
                                      absl::Span<const float> feedback);

// One a layer of the graph, from some positions of each image.
// INVALID_ARGUMENT: no images. CANCELLED: a stop was requested.
absl::StatusOr<std::vector<InputStatistics>> ObserveInputs(
    const FoldedNetwork& folded, const CalibrationImages& images,
    const StopToken& stop);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_FIXED_POINT_ALLOCATION_ROUNDING_H_
