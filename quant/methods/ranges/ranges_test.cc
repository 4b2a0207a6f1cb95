#include "quant/methods/ranges/ranges.h"

#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "quant/grid.h"
#include "quant/methods/ranges/histogram.h"

namespace frostnas::quant {
namespace {

Histogram HistogramOf(const std::vector<float>& values, const Range& range,
                      int bins) {
  Histogram histogram(range, bins);
  histogram.Add(values);
  return histogram;
}

Range Choose(const Histogram& values, RangeMethod method, int bits = 8,
             double percentile = 99.99) {
  const auto range = ChooseRange(
      values, {.method = method, .percentile = percentile, .bits = bits});
  EXPECT_OK(range.status());
  return range.ok() ? *range : Range{};
}

TEST(HistogramTest, CountsValuesInEqualBinsAndZerosApart) {
  const Histogram h = HistogramOf({-1, -0.5f, 0, 0, 1.2f, 2.9f, 3}, {-1, 3}, 4);
  EXPECT_EQ(h.count(0), 2);  // [-1, 0)
  EXPECT_EQ(h.count(1), 0);  // [0, 1)
  EXPECT_EQ(h.count(2), 1);
  EXPECT_EQ(h.count(3), 2);  // the maximum belongs to the last bin
  EXPECT_EQ(h.zeros(), 2);
  EXPECT_EQ(h.total(), 7);
  EXPECT_DOUBLE_EQ(h.bin_width(), 1);
  EXPECT_DOUBLE_EQ(h.center(0), -0.5);
  EXPECT_DOUBLE_EQ(h.center(3), 2.5);
}

TEST(HistogramTest, ValuesBeyondTheRangeCountInTheOutermostBins) {
  const float infinity = std::numeric_limits<float>::infinity();
  const Histogram h = HistogramOf({-9, infinity, std::nanf("")}, {-1, 1}, 2);
  EXPECT_EQ(h.count(0), 1);
  EXPECT_EQ(h.count(1), 1);
  EXPECT_EQ(h.zeros(), 1);
}

TEST(HistogramTest, ARangeOfOnePointHoldsAllInOneBin) {
  const Histogram h = HistogramOf({2, 2, 2}, {2, 2}, 8);
  EXPECT_EQ(h.count(0), 3);
}

TEST(MeanSquaredErrorTest, MatchesHandComputedValues) {
  // Middles 0.5 (twice), 1.5, 9.5 on the grid {0, 1, 2, 3} become 0, 2, 3:
  // (2 * 0.25 + 0.25 + 42.25) / 5 with a zero, which is exact.
  const Histogram h = HistogramOf({0, 0.2f, 0.7f, 1.5f, 9.9f}, {0, 10}, 10);
  const nn::AffineGrid grid = {
      .scale = 1, .zero_point = 0, .qmin = 0, .qmax = 3};
  EXPECT_DOUBLE_EQ(MeanSquaredError(h, grid), 43.0 / 5);
}

TEST(ChooseRangeTest, MinMaxCoversEverything) {
  const Range range =
      Choose(HistogramOf({-1, 3}, {-1, 3}, 4), RangeMethod::kMinMax);
  EXPECT_EQ(range.min, -1);
  EXPECT_EQ(range.max, 3);
}

TEST(ChooseRangeTest, PercentileLeavesTheTailsOut) {
  // 10 values in each of the bins [-4, -3), ..., [3, 4) but for the outermost
  // with one each, and 18 zeros: 80 in all. The 95th percentile leaves out up
  // to 4 at each end.
  std::vector<float> values(18, 0.0f);
  for (int bin = -3; bin < 3; ++bin) {
    values.insert(values.end(), 10, static_cast<float>(bin) + 0.5f);
  }
  values.push_back(-3.5f);
  values.push_back(3.5f);
  const Range range =
      Choose(HistogramOf(values, {-4, 4}, 8), RangeMethod::kPercentile, 8, 95);
  EXPECT_FLOAT_EQ(range.min, -3);
  EXPECT_FLOAT_EQ(range.max, 3);
}

TEST(ChooseRangeTest, PercentileStopsAtZero) {
  // 999 zeros and one value of each sign: all of both tails may go.
  std::vector<float> values(998, 0.0f);
  values.push_back(-1);
  values.push_back(1);
  const Range range =
      Choose(HistogramOf(values, {-1, 1}, 4), RangeMethod::kPercentile, 8, 99);
  EXPECT_EQ(range.min, 0);
  EXPECT_EQ(range.max, 0);
}

TEST(ChooseRangeTest, MseClipsAnOutlierWhenBitsAreFew) {
  // Middles 0.5 to 9.5, 1000 values each, and one of 99.5. Of ranges r * 100
  // with 2 bits, the one of 20 clips only the outlier: an error of 79.5^2
  // against steps five times wider.
  std::vector<float> values;
  for (int bin = 0; bin < 10; ++bin) {
    values.insert(values.end(), 1000, static_cast<float>(bin) + 0.5f);
  }
  values.push_back(99.5f);
  const Histogram h = HistogramOf(values, {0, 100}, 100);
  EXPECT_FLOAT_EQ(Choose(h, RangeMethod::kMse, 2).max, 20);
  // With 8 bits steps are finer than bins whatever the range.
  EXPECT_GT(Choose(h, RangeMethod::kMse, 8).max, 95);
}

TEST(ChooseRangeTest, MseIsNoWorseThanAnyCommonScalingOfMinMax) {
  Random random(3);
  std::vector<float> values(20000);
  for (float& v : values) v = static_cast<float>(random.Laplace() - 0.3);
  const Histogram h = HistogramOf(values, {-9, 9}, kHistogramBins);
  const Range chosen = Choose(h, RangeMethod::kMse, 4);
  const double least =
      MeanSquaredError(h, ChooseGrid(chosen.min, chosen.max, 4));
  for (int percent = kLeastRatio; percent <= 100; percent += 5) {
    const float r = static_cast<float>(percent) / 100;
    EXPECT_LE(least, MeanSquaredError(h, ChooseGrid(-9 * r, 9 * r, 4)));
  }
  EXPECT_LT(chosen.max, 9);
}

// p = (8, 6) / 14, q = (8, 4) / 12:       0.01962 for two bins,
// p = (8, 4, 2) / 14, q = (8, 2.5, 2.5) / 13:   0.02830 for three,
// p = (8, 4, 1, 1) / 14, q = (6, 6, 1, 1) / 14: 0.04855 for all.
TEST(KlThresholdTest, MatchesHandComputedDivergences) {
  EXPECT_EQ(KlThreshold({8, 4, 1, 1}, 2), 2);
  // Two bins: 0.4 ln 0.8 + 0.6 ln 1.2 = 0.020; all: p is q.
  EXPECT_EQ(KlThreshold({4, 4, 1, 1}, 2), 4);
}

TEST(KlThresholdTest, NeverEndsInAnEmptyRunWithAllTheOutliers) {
  // With two or three bins the last run would have p = 1 / 9 and q = 0.
  EXPECT_EQ(KlThreshold({8, 0, 0, 1}, 2), 4);
}

TEST(KlThresholdTest, TakesAllBinsWhenThereIsNothingToChoose) {
  EXPECT_EQ(KlThreshold({1, 2, 3}, 4), 3);
  EXPECT_EQ(KlThreshold({0, 0, 0, 0}, 2), 4);
}

TEST(ChooseRangeTest, KlClipsALongTailOfEitherSign) {
  Random random(5);
  std::vector<float> values(50000);
  for (float& v : values) v = static_cast<float>(random.Normal());
  values[0] = 40;
  const Range both =
      Choose(HistogramOf(values, {-40, 40}, kHistogramBins), RangeMethod::kKl);
  EXPECT_LT(both.max, 20);
  EXPECT_EQ(both.min, -both.max);
  for (float& v : values) v = std::max(v, 0.0f);
  const Range positive =
      Choose(HistogramOf(values, {0, 40}, kHistogramBins), RangeMethod::kKl);
  EXPECT_LT(positive.max, 20);
  EXPECT_GT(positive.max, 2);
  EXPECT_EQ(positive.min, 0);
}

TEST(ChooseRangeTest, KlKeepsAUniformRange) {
  std::vector<float> values;
  for (int i = 0; i < kHistogramBins; ++i) {
    values.push_back((static_cast<float>(i) + 0.5f) / kHistogramBins);
  }
  const Range range =
      Choose(HistogramOf(values, {0, 1}, kHistogramBins), RangeMethod::kKl);
  EXPECT_FLOAT_EQ(range.max, 1);
}

TEST(ChooseRangeTest, DegenerateTensorsGetUsableGrids) {
  for (const RangeMethod method :
       {RangeMethod::kMinMax, RangeMethod::kPercentile, RangeMethod::kMse,
        RangeMethod::kKl}) {
    for (const float constant : {0.0f, 3.0f, -2.0f, 1e-30f}) {
      const Histogram h = HistogramOf(
          std::vector<float>(100, constant),
          {std::min(constant, 0.0f), std::max(constant, 0.0f)}, kHistogramBins);
      const Range range = Choose(h, method);
      const nn::AffineGrid grid = ChooseGrid(range.min, range.max, 8);
      EXPECT_GT(grid.scale, 0);
      EXPECT_NEAR(Dequantize(Quantize(constant, grid), grid), constant,
                  std::abs(constant) / 200 + kMinRange);
    }
  }
}

TEST(ChooseRangeTest, RefusesWhatItCannotChooseFrom) {
  EXPECT_THAT(ChooseRange(Histogram({0, 1}, 4), {}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::HasSubstr("calibrate")));
  const Histogram h = HistogramOf({1}, {0, 1}, 4);
  EXPECT_THAT(
      ChooseRange(h, {.bits = 9}).status(),
      StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("bits")));
  EXPECT_THAT(ChooseRange(h, {.percentile = 50}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::HasSubstr("percentile")));
}

}  // namespace
}  // namespace frostnas::quant
