#include "latency/predict/gaussian_fit.h"

#include <cmath>
#include <utility>
#include <vector>

#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::latency {
namespace {

using ::testing::ElementsAre;

// Rows of `weights` random entries with targets of these weights and noise.
std::vector<Observation> Draw(const std::vector<double>& weights, int count,
                              double noise_sd, Random& random) {
  std::vector<Observation> observations(count);
  for (Observation& each : observations) {
    for (size_t w = 0; w < weights.size(); ++w) {
      each.row.push_back({static_cast<int>(w), random.Normal()});
      each.target += each.row.back().value * weights[w];
    }
    each.target += noise_sd * random.Normal();
    each.noise_sd = noise_sd;
  }
  return observations;
}

TEST(GaussianFitTest, IsThePriorWithoutObservations) {
  const GaussianFit fit({}, 2);
  EXPECT_THAT(fit.weights(), ElementsAre(0, 0));
  EXPECT_EQ(fit.Mean({{0, 3}, {1, 4}}), 0);
  EXPECT_DOUBLE_EQ(fit.StandardDeviation({{0, 3}, {1, 4}}), 5);
  EXPECT_EQ(fit.scale(), 1);
}

// One weight, one observation: mean t v / (v^2 + s^2), variance 1 - v^2 / ...
TEST(GaussianFitTest, IsTheTextbookPosterior) {
  const GaussianFit fit({{.row = {{0, 2}}, .target = 3, .noise_sd = 1}}, 1);
  EXPECT_NEAR(fit.weights()[0], 3 * 2 / 5.0, 1e-12);
  EXPECT_NEAR(fit.StandardDeviation({{0, 1}}), fit.scale() * std::sqrt(1 / 5.0),
              1e-12);
  // The left-out error is the whole target: nothing else speaks.
  EXPECT_NEAR(fit.left_out_errors()[0], 3, 1e-12);
}

TEST(GaussianFitTest, FindsWeightsThatTheDataTell) {
  Random random(1);
  const std::vector<double> weights = {0.5, -1, 2};
  const GaussianFit fit(Draw(weights, 60, 0.01, random), 3);
  for (int w = 0; w < 3; ++w) EXPECT_NEAR(fit.weights()[w], weights[w], 0.01);
  EXPECT_LT(fit.StandardDeviation({{0, 1}}), 0.01);
}

TEST(GaussianFitTest, LeftOutErrorsAreThoseOfFitsWithoutEach) {
  Random random(2);
  const std::vector<Observation> all = Draw({1, -0.5, 0.3}, 5, 0.3, random);
  const GaussianFit fit(all, 3);
  for (size_t i = 0; i < all.size(); ++i) {
    std::vector<Observation> others = all;
    others.erase(others.begin() + static_cast<int>(i));
    const GaussianFit without(others, 3);
    EXPECT_NEAR(fit.left_out_errors()[i],
                all[i].target - without.Mean(all[i].row), 1e-9);
  }
}

TEST(GaussianFitTest, IsNotMovedByOneBadMeasurement) {
  Random random(3);
  std::vector<Observation> observations = Draw({1, -1}, 30, 0.01, random);
  observations[7].target += 5;
  const GaussianFit fit(observations, 2);
  EXPECT_NEAR(fit.weights()[0], 1, 0.02);
  EXPECT_NEAR(fit.weights()[1], -1, 0.02);
}

// Noise that is twice what was said shows in the scale.
TEST(GaussianFitTest, IntervalsHoldWhatTheySay) {
  int held = 0, asked = 0;
  for (int trial = 0; trial < 200; ++trial) {
    Random random(100 + trial);
    const std::vector<double> weights = {random.Normal(), random.Normal(),
                                         random.Normal()};
    std::vector<Observation> observations = Draw(weights, 25, 0.2, random);
    const Observation fresh = observations.back();
    observations.pop_back();
    for (Observation& each : observations) each.noise_sd = 0.1;
    const GaussianFit fit(observations, 3);
    const double half =
        fit.interval_factor() *
        std::hypot(fit.StandardDeviation(fresh.row), fit.scale() * 0.1);
    held += std::abs(fresh.target - fit.Mean(fresh.row)) <= half;
    ++asked;
  }
  EXPECT_GE(held, 0.90 * asked);
  EXPECT_LE(held, 0.99 * asked);
}

TEST(PickInformativeTest, TakesWhatIsLeastKnown) {
  const std::vector<Observation> rows = {
      {.row = {{0, 1}}, .noise_sd = 0.1},
      {.row = {{0, 3}}, .noise_sd = 0.1},
      {.row = {{0, 2}}, .noise_sd = 0.1},
      {.row = {{1, 1}}, .noise_sd = 0.1},
  };
  // After the second row the first weight is known.
  EXPECT_THAT(PickInformative(rows, {}, 2, 2), ElementsAre(1, 3));
  EXPECT_THAT(PickInformative(rows, {0}, 2, 2), ElementsAre(0, 3));
  EXPECT_THAT(PickInformative(rows, {}, 2, 1), ElementsAre(1));
  EXPECT_EQ(PickInformative(rows, {}, 2, 9).size(), 4u);
}

}  // namespace
}  // namespace frostnas::latency
