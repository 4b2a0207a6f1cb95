#include "quant/methods/fixed_point/descent.h"

#include <functional>

#include "gtest/gtest.h"

namespace frostnas::quant {
namespace {

TEST(BudgetTest, GrowsLinearlyFromWeightsToActivations) {
  EXPECT_DOUBLE_EQ(BudgetOf(TensorKind::kWeights, 0, 4, 0.01), 0.00125);
  EXPECT_DOUBLE_EQ(BudgetOf(TensorKind::kWeights, 3, 4, 0.01), 0.005);
  EXPECT_DOUBLE_EQ(BudgetOf(TensorKind::kBias, 2, 4, 0.01), 0.005);
  EXPECT_DOUBLE_EQ(BudgetOf(TensorKind::kActivation, 0, 4, 0.01), 0.00625);
  EXPECT_DOUBLE_EQ(BudgetOf(TensorKind::kActivation, 3, 4, 0.01), 0.01);
}

FixedPoint Descend(const std::function<double(const FixedPoint&)>& loss) {
  return DescendTensor({.bits = 8, .fraction = 7}, 0.01, 8,
                       [&](const FixedPoint& format) -> absl::StatusOr<double> {
                         return loss(format);
                       })
      .value()
      .format;
}

// Values within 1: clipping harms, 4 bits of fraction are enough.
TEST(DescendTensorTest, GoesDownTheDiagonal) {
  const FixedPoint found = Descend([](const FixedPoint& format) {
    const int whole = format.bits - format.fraction;
    return whole < 1 || format.fraction < 4 ? 0.5 : 0.009;
  });
  EXPECT_EQ(found, (FixedPoint{.bits = 5, .fraction = 4}));
}

// Two bits of range more than needed: fewer bits at the same fraction.
TEST(DescendTensorTest, GoesDownVertically) {
  const FixedPoint found = Descend([](const FixedPoint& format) {
    const int whole = format.bits - format.fraction;
    return whole < -1 || format.fraction < 4 ? 0.5 : 0.009;
  });
  EXPECT_EQ(found, (FixedPoint{.bits = 3, .fraction = 4}));
}

TEST(DescendTensorTest, LooksOneStepPastAFailure) {
  const FixedPoint found = Descend([](const FixedPoint& format) {
    return format.bits == 6 || format.bits < 5 || format.fraction < 4 ? 0.5
                                                                      : 0.009;
  });
  EXPECT_EQ(found.bits, 5);
}

// A bit more is worth 0.15 points and more, not less.
TEST(DescendTensorTest, TakesABetterNeighbour) {
  const auto loss = [](double better) {
    return [better](const FixedPoint& format) {
      const int whole = format.bits - format.fraction;
      if (whole < 1 || format.fraction < 4) return 0.5;
      return format.bits == 6 && format.fraction == 5 ? 0.009 - better : 0.009;
    };
  };
  EXPECT_EQ(Descend(loss(0.002)).bits, 6);
  EXPECT_EQ(Descend(loss(0.001)).bits, 5);
}

TEST(DescendTensorTest, KeepsAStartBeyondItsBudget) {
  EXPECT_EQ(Descend([](const FixedPoint&) { return 0.5; }).bits, 8);
}

TEST(SearchTensorTest, BiasesKeepTheBitsTheyNeed) {
  FixedPointNetwork start;
  start.layers.resize(1);
  start.layers[0].bias = {.bits = 16, .fraction = 14};
  const SearchedTensor bias = {.kind = TensorKind::kBias};
  for (int needed : {5, 11}) {
    const absl::StatusOr<MeasuredFormat> found =
        SearchTensor(bias, start, 0.01,
                     [&](const FixedPoint& format) -> absl::StatusOr<double> {
                       return format.bits < needed ? 0.5 : 0.002;
                     });
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(found->format.bits, needed);
    EXPECT_EQ(found->loss, 0.002);
  }
}

}  // namespace
}  // namespace frostnas::quant
