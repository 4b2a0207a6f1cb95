// The shared gradient checker: analytic gradients against central differences.
//
// The caller gives a scalar function of some float tensors as a closure and the
// analytic gradient of each. The checker moves one element at a time by
// +-step, and compares
//
//   |analytic - numeric| <= absolute + relative * |numeric|.
//
// The function should accumulate its value in double precision; its float
// inside limits the difference quotient to about epsilon / step, which the
// tolerance has to cover. Elements that disagree and whose quotients to the two
// sides differ by more than the tolerance lie at a kink (a ReLU's zero, a
// maximum's tie) and are skipped; a check in which more than `max_kinks` of the
// elements are skipped fails, so it cannot pass by skipping.
//
//   EXPECT_TRUE(CheckGradients(loss, {{"src", src.span(), diff_src}}));
//
// A failure names tensor, index, analytic and numeric value. Test only.
#ifndef FROSTNAS_NN_TESTING_GRADIENT_CHECK_H_
#define FROSTNAS_NN_TESTING_GRADIENT_CHECK_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"

namespace frostnas::nn {

struct CheckedTensor {
  std::string name;
  absl::Span<float> value;           // moved, and put back
  absl::Span<const float> analytic;  // copied before anything is moved
};

struct GradientCheckOptions {
  double step = 1e-2;
  double absolute = 1e-3;
  double relative = 1e-2;
  double max_kinks = 0.1;  // share of all elements
  // Elements checked of each tensor, spread evenly; 0: all.
  int max_elements = 0;
};

testing::AssertionResult CheckGradients(
    const std::function<double()>& function,
    const std::vector<CheckedTensor>& tensors,
    const GradientCheckOptions& options = {});

// Sum of values * weights in double precision: turns a tensor into a scalar
// whose gradient by it is `weights`.
double WeightedSum(absl::Span<const float> values,
                   absl::Span<const float> weights);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_TESTING_GRADIENT_CHECK_H_
