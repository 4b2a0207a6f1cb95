#include "search/supernet/gates.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "latency/expected_latency.h"

namespace frostnas::search {
namespace {

using ::frostnas::latency::Softmax;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::SizeIs;

// Chi-square statistic of counts against probabilities.
double ChiSquare(const std::vector<int>& counts, const std::vector<double>& p) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0);
  double sum = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double expected = total * p[i];
    sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  return sum;
}

// The worked numbers of ProxylessNAS' formulas for alpha = (0, 1, 2) and
// dL/dg = (1, 2, 3).
const std::vector<double> kAlpha = {0, 1, 2};

TEST(SoftmaxTest, GivesTheWorkedProbabilities) {
  EXPECT_THAT(Softmax(kAlpha), ElementsAre(DoubleNear(.0900306, 1e-6),
                                           DoubleNear(.2447285, 1e-6),
                                           DoubleNear(.6652410, 1e-6)));
}

TEST(GateGradientTest, GivesTheWorkedGradient) {
  const std::vector<double> diff = {1, 2, 3};
  const auto gradient = GateGradient(Softmax(kAlpha), diff);
  EXPECT_THAT(gradient,
              ElementsAre(DoubleNear(-.14182, 1e-5), DoubleNear(-.14077, 1e-5),
                          DoubleNear(.28259, 1e-5)));
  EXPECT_NEAR(gradient[0] + gradient[1] + gradient[2], 0, 1e-15);
}

TEST(GateGradientTest, IsTheDerivativeOfTheExpectedGate) {
  const std::vector<double> diff = {0.3, -2, 1.1};
  const auto expected = [&](const std::vector<double>& alpha) {
    const auto p = Softmax(alpha);
    return std::inner_product(p.begin(), p.end(), diff.begin(), 0.0);
  };
  const auto gradient = GateGradient(Softmax(kAlpha), diff);
  for (size_t i = 0; i < kAlpha.size(); ++i) {
    constexpr double kStep = 1e-6;
    std::vector<double> up = kAlpha, down = kAlpha;
    up[i] += kStep;
    down[i] -= kStep;
    EXPECT_NEAR(gradient[i], (expected(up) - expected(down)) / (2 * kStep),
                1e-8);
  }
}

TEST(GatePairTest, GivesTheWorkedGradientAndRescale) {
  std::vector<double> alpha = kAlpha;
  const auto both = Softmax(std::vector<double>{0, 2});
  const GatePair pair = {0, 2, both[0], both[1]};
  EXPECT_NEAR(pair.p_active, .1192, 1e-4);
  const auto gradient = PairGradient(pair, 1, 3);
  EXPECT_THAT(gradient,
              ElementsAre(DoubleNear(-.20999, 1e-5), DoubleNear(.20999, 1e-5)));
  alpha[0] -= 0.1 * gradient[0];
  alpha[2] -= 0.1 * gradient[1];
  RescalePair(pair, kAlpha[0], kAlpha[2], absl::MakeSpan(alpha));
  EXPECT_NEAR(alpha[0], .036898, 1e-6);
  EXPECT_EQ(alpha[1], 1);
  EXPECT_NEAR(alpha[2], 1.994900, 1e-6);
  EXPECT_NEAR(Softmax(alpha)[1], .244728, 1e-6);
}

TEST(GatePairTest, DrawsTwoDifferentOnesWithoutReplacement) {
  Random random(1);
  const auto p = Softmax(kAlpha);
  // P({i, j}) = p_i p_j / (1 - p_i) + p_j p_i / (1 - p_j).
  const auto pair_probability = [&](int i, int j) {
    return p[i] * p[j] * (1 / (1 - p[i]) + 1 / (1 - p[j]));
  };
  const std::vector<double> expected = {
      pair_probability(0, 1), pair_probability(0, 2), pair_probability(1, 2)};
  std::vector<int> counts(3, 0);
  for (int i = 0; i < 100000; ++i) {
    const GatePair pair = SampleGatePair(kAlpha, random);
    ASSERT_NE(pair.active, pair.other);
    ++counts[pair.active + pair.other - 1];
  }
  // 99.9 % point of chi-square with 2 degrees of freedom.
  EXPECT_LT(ChiSquare(counts, expected), 13.8);
}

TEST(GatePairTest, OpensTheGatesOfAPairByTheirOwnSoftmax) {
  Random random(2);
  const std::vector<double> alpha = {0, 1};
  std::vector<int> counts(2, 0);
  for (int i = 0; i < 100000; ++i) {
    const GatePair pair = SampleGatePair(alpha, random);
    EXPECT_NEAR(pair.p_active, Softmax(alpha)[pair.active], 1e-12);
    ++counts[pair.active];
  }
  EXPECT_LT(ChiSquare(counts, Softmax(alpha)), 10.8);
}

TEST(GatePairTest, FindsASecondOneWhenAllOthersUnderflow) {
  Random random(3);
  const std::vector<double> alpha = {0, -5000, -4000};
  const GatePair pair = SampleGatePair(alpha, random);
  EXPECT_EQ(pair.active, 0);
  EXPECT_EQ(pair.other, 2);
}

TEST(GumbelTest, SamplesFollowTheSoftmaxAsTemperatureFalls) {
  Random random(4);
  std::vector<int> counts(3, 0);
  for (int i = 0; i < 100000; ++i) {
    const GumbelSample sample = SampleGumbel(kAlpha, 1e-4, 3, random);
    ++counts[sample.indices[0]];
    if (i < 1000) {
      EXPECT_GE(sample.weights[0], 0.5);
    }
  }
  EXPECT_LT(ChiSquare(counts, Softmax(kAlpha)), 13.8);
}

TEST(GumbelTest, SamplesBecomeOneHotAsTemperatureFalls) {
  Random random(5);
  double warm = 0, cold = 0;
  for (int i = 0; i < 2000; ++i) {
    warm += SampleGumbel(kAlpha, 5, 3, random).weights[0] / 2000;
    cold += SampleGumbel(kAlpha, 0.01, 3, random).weights[0] / 2000;
  }
  EXPECT_LT(warm, 0.6);
  EXPECT_GT(cold, 0.99);
}

TEST(GumbelTest, KeepsTheBestOfTheSampleWhenFewerAreAsked) {
  Random all_random(6), two_random(6);
  const GumbelSample all = SampleGumbel(kAlpha, 1, 3, all_random);
  const GumbelSample two = SampleGumbel(kAlpha, 1, 2, two_random);
  ASSERT_THAT(two.indices, SizeIs(2));
  EXPECT_EQ(two.indices[0], all.indices[0]);
  EXPECT_EQ(two.indices[1], all.indices[1]);
  const double kept = all.weights[0] + all.weights[1];
  EXPECT_NEAR(two.weights[0], all.weights[0] / kept, 1e-12);
}

TEST(GumbelTest, GradientIsTheDerivativeForFixedNoise) {
  constexpr double kTemperature = 0.7;
  const std::vector<double> cost = {0.5, -1, 2};
  const auto loss = [&](const std::vector<double>& alpha) {
    Random random(7);
    const GumbelSample sample = SampleGumbel(alpha, kTemperature, 3, random);
    double sum = 0;
    for (int k = 0; k < 3; ++k) {
      sum += sample.weights[k] * cost[sample.indices[k]];
    }
    return sum;
  };
  Random random(7);
  const GumbelSample sample = SampleGumbel(kAlpha, kTemperature, 3, random);
  std::vector<double> diff;
  for (int index : sample.indices) diff.push_back(cost[index]);
  const auto gradient = GumbelGradient(sample, kTemperature, diff, 3);
  for (int i = 0; i < 3; ++i) {
    constexpr double kStep = 1e-6;
    std::vector<double> up = kAlpha, down = kAlpha;
    up[i] += kStep;
    down[i] -= kStep;
    EXPECT_NEAR(gradient[i], (loss(up) - loss(down)) / (2 * kStep), 1e-7);
  }
}

TEST(EntropyTest, IsLogOfTheCountWhenUniformAndZeroWhenCertain) {
  EXPECT_NEAR(Entropy(std::vector<double>{0.25, 0.25, 0.25, 0.25}), std::log(4),
              1e-12);
  EXPECT_EQ(Entropy(std::vector<double>{0, 1}), 0);
}

}  // namespace
}  // namespace frostnas::search
