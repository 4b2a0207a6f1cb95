#include "nn/testing/gradient_check.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace frostnas::nn {
namespace {

struct Totals {
  int checked = 0;
  int kinks = 0;
};

// Slopes of f around x, over the distances actually moved in float.
struct Slopes {
  double central = 0;
  double below = 0;
  double above = 0;
};

Slopes Differences(const std::function<double()>& function, float& x,
                   double step) {
  const float at = x;
  const float high = static_cast<float>(at + step);
  const float low = static_cast<float>(at - step);
  const double f_at = function();
  x = high;
  const double f_high = function();
  x = low;
  const double f_low = function();
  x = at;
  return {.central = (f_high - f_low) / (double{high} - double{low}),
          .below = (f_at - f_low) / (double{at} - double{low}),
          .above = (f_high - f_at) / (double{high} - double{at})};
}

struct Element {
  const CheckedTensor& tensor;
  size_t index;
  double analytic;
};

// Success when the element agrees or lies at a kink.
testing::AssertionResult CheckElement(const std::function<double()>& function,
                                      const Element& element,
                                      const GradientCheckOptions& options,
                                      Totals& totals) {
  const CheckedTensor& tensor = element.tensor;
  const size_t i = element.index;
  const double analytic = element.analytic;
  ++totals.checked;
  const Slopes slopes = Differences(function, tensor.value[i], options.step);
  const double numeric = slopes.central;
  const double tolerance =
      options.absolute + options.relative * std::abs(numeric);
  if (std::abs(analytic - numeric) <= tolerance) {
    return testing::AssertionSuccess();
  }
  if (std::abs(slopes.above - slopes.below) > tolerance) {
    ++totals.kinks;
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure()
         << "gradient by " << tensor.name << "[" << i << "] (value "
         << tensor.value[i] << "): analytic " << analytic << ", numeric "
         << numeric << " (" << slopes.below << " below, " << slopes.above
         << " above, step " << options.step << "), tolerance " << tolerance;
}

}  // namespace

testing::AssertionResult CheckGradients(
    const std::function<double()>& function,
    const std::vector<CheckedTensor>& tensors,
    const GradientCheckOptions& options) {
  std::vector<std::vector<float>> analytic;
  for (const CheckedTensor& tensor : tensors) {
    if (tensor.value.size() != tensor.analytic.size()) {
      return testing::AssertionFailure()
             << tensor.name << " has " << tensor.value.size() << " values but "
             << tensor.analytic.size() << " gradients";
    }
    analytic.emplace_back(tensor.analytic.begin(), tensor.analytic.end());
  }
  Totals totals;
  for (size_t t = 0; t < tensors.size(); ++t) {
    const size_t size = analytic[t].size();
    const size_t wanted =
        options.max_elements > 0 ? options.max_elements : size;
    const size_t stride =
        std::max<size_t>(1, size / std::max<size_t>(wanted, 1));
    for (size_t i = 0; i < size; i += stride) {
      testing::AssertionResult result = CheckElement(
          function, {tensors[t], i, analytic[t][i]}, options, totals);
      if (!result) return result;
    }
  }
  if (totals.checked == 0 ||
      totals.kinks > options.max_kinks * totals.checked) {
    return testing::AssertionFailure()
           << totals.kinks << " of " << totals.checked
           << " elements lie at kinks; choose other values";
  }
  return testing::AssertionSuccess();
}

double WeightedSum(absl::Span<const float> values,
                   absl::Span<const float> weights) {
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    sum += double{values[i]} * double{weights[i]};
  }
  return sum;
}

}  // namespace frostnas::nn
