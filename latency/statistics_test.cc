#include "latency/statistics.h"

#include <cmath>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::latency {
namespace {

TEST(MedianTest, IsTheMiddleOrTheMeanOfTheTwoMiddleValues) {
  EXPECT_EQ(Median({3}), 3);
  EXPECT_EQ(Median({9, 1, 5}), 5);
  EXPECT_EQ(Median({4, 1, 100, 2}), 3);
}

TEST(QuantileTest, InterpolatesBetweenOrderStatistics) {
  EXPECT_EQ(Quantile({10, 20, 30, 40, 50}, 0), 10);
  EXPECT_EQ(Quantile({10, 20, 30, 40, 50}, 1), 50);
  EXPECT_DOUBLE_EQ(Quantile({10, 20, 30, 40, 50}, 0.9), 46);
  EXPECT_DOUBLE_EQ(Quantile({1, 2}, 0.25), 1.25);
}

TEST(MedianAbsoluteDeviationTest, IgnoresOneWildValue) {
  EXPECT_EQ(MedianAbsoluteDeviation({1, 1, 2, 2, 4, 6, 9}), 1);
  EXPECT_EQ(MedianAbsoluteDeviation({5, 5, 5, 1e9}), 0);
}

// Ranks from published tables of the sign test's critical values.
TEST(MedianIntervalTest, TakesTheTabulatedOrderStatistics) {
  std::vector<double> values;
  for (int i = 1; i <= 9; ++i) values.push_back(i);
  const Interval nine = MedianInterval(values, 0.95);
  EXPECT_EQ(nine.low, 2);
  EXPECT_EQ(nine.high, 8);
  EXPECT_NEAR(nine.coverage, 1 - 2 * (1 + 9) / 512.0, 1e-12);

  for (int i = 10; i <= 25; ++i) values.push_back(i);
  const Interval many = MedianInterval(values, 0.95);
  EXPECT_EQ(many.low, 8);
  EXPECT_EQ(many.high, 18);
}

TEST(MedianIntervalTest, SaysWhatSmallSamplesAreWorth) {
  const Interval five = MedianInterval({5, 1, 4, 2, 3}, 0.95);
  EXPECT_EQ(five.low, 1);
  EXPECT_EQ(five.high, 5);
  EXPECT_NEAR(five.coverage, 1 - 2.0 / 32, 1e-12);
  const Interval six = MedianInterval({5, 1, 4, 2, 3, 6}, 0.95);
  EXPECT_GE(six.coverage, 0.95);
  const Interval one = MedianInterval({7}, 0.95);
  EXPECT_EQ(one.low, 7);
  EXPECT_EQ(one.high, 7);
  EXPECT_EQ(one.coverage, 0);
}

TEST(MedianIntervalTest, CoversTheMedianAsOftenAsItSays) {
  std::mt19937_64 random(7);
  std::exponential_distribution<double> draw(1.0);
  const int kRuns = 4000;
  int hits = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> values(15);
    for (double& value : values) value = draw(random);
    const Interval interval = MedianInterval(values, 0.95);
    hits += interval.low <= std::log(2.0) && std::log(2.0) <= interval.high;
  }
  // n = 15: k = 4, coverage 0.9648; three binomial standard errors.
  EXPECT_NEAR(hits / double{kRuns}, 0.9648, 0.009);
}

TEST(KendallTauTest, CountsConcordantPairs) {
  EXPECT_DOUBLE_EQ(KendallTauB({1, 2, 3, 4, 5}, {2, 1, 3, 5, 4}), 0.6);
  EXPECT_DOUBLE_EQ(KendallTauB({1, 2, 3}, {10, 20, 30}), 1);
  EXPECT_DOUBLE_EQ(KendallTauB({1, 2, 3}, {3, 2, 1}), -1);
}

TEST(KendallTauTest, CorrectsForTies) {
  // Five concordant pairs of six; one is tied in y only.
  EXPECT_DOUBLE_EQ(KendallTauB({1, 2, 3, 4}, {1, 2, 2, 3}),
                   5 / std::sqrt(6.0 * 5.0));
  EXPECT_EQ(KendallTauB({1, 2, 3}, {4, 4, 4}), 0);
}

TEST(TheilSenTest, FindsTheLineThroughTwoPoints) {
  const Line line = TheilSen({1, 3}, {5, 9});
  EXPECT_DOUBLE_EQ(line.slope, 2);
  EXPECT_DOUBLE_EQ(line.intercept, 3);
}

TEST(TheilSenTest, IsNotMovedByAnOutlier) {
  const Line line = TheilSen({1, 2, 3, 4, 5, 6, 7}, {3, 5, 7, 9, 11, 13, 1000});
  EXPECT_NEAR(line.slope, 2, 1e-9);
  EXPECT_NEAR(line.intercept, 1, 1e-9);
}

TEST(StatisticsDeathTest, RefusesInputThatOnlyABugCanGive) {
  EXPECT_DEATH(Median({}), "no values");
  EXPECT_DEATH(TheilSen({2, 2}, {1, 3}), "all x are equal");
  EXPECT_DEATH(KendallTauB({1}, {1, 2}), "unequal");
}

}  // namespace
}  // namespace frostnas::latency
