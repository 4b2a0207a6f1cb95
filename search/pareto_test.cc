#include "search/pareto.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::search {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<int> Ids(const std::vector<ObjectivePoint>& points) {
  std::vector<int> ids;
  for (const ObjectivePoint& point : points) ids.push_back(point.id);
  return ids;
}

bool Dominates(const ObjectivePoint& a, const ObjectivePoint& b) {
  return a.accuracy >= b.accuracy && a.latency_ns <= b.latency_ns &&
         (a.accuracy > b.accuracy || a.latency_ns < b.latency_ns);
}

std::vector<ObjectivePoint> RandomPoints(int count, int values, int seed) {
  std::mt19937 random(seed);
  std::vector<ObjectivePoint> points;
  for (int i = 0; i < count; ++i) {
    const double accuracy = static_cast<double>(random() % values) / values;
    points.push_back({i, accuracy, static_cast<int64_t>(random() % values)});
  }
  return points;
}

// Ten points whose layers can be read off a sketch: 1, 3, 5, 7 make the front,
// 2, 4, 8 the second layer, 6, 9 the third, 10 the last.
const std::vector<ObjectivePoint> kHandMade = {
    {1, 0.50, 10}, {2, 0.50, 20}, {3, 0.70, 20}, {4, 0.60, 30}, {5, 0.80, 40},
    {6, 0.55, 45}, {7, 0.90, 80}, {8, 0.80, 90}, {9, 0.75, 95}, {10, 0.1, 99}};

TEST(ParetoFrontTest, KeepsTheNonDominatedPointsByRisingLatency) {
  EXPECT_THAT(Ids(ParetoFront(kHandMade)), ElementsAre(1, 3, 5, 7));
}

TEST(MostAccurateOfBandsTest, TakesOnePointOfEachGroupByLatency) {
  EXPECT_THAT(Ids(MostAccurateOfBands(kHandMade, 3)), ElementsAre(3, 5, 7));
  EXPECT_THAT(Ids(MostAccurateOfBands(kHandMade, 1)), ElementsAre(7));
}

TEST(MostAccurateOfBandsTest, TakesTheFasterOfTwoEquallyAccurate) {
  EXPECT_THAT(Ids(MostAccurateOfBands(
                  std::vector<ObjectivePoint>{{1, 0.5, 30}, {2, 0.5, 20}}, 1)),
              ElementsAre(2));
}

TEST(MostAccurateOfBandsTest, TakesAllOfFewPoints) {
  EXPECT_EQ(MostAccurateOfBands(kHandMade, 20).size(), kHandMade.size());
  EXPECT_THAT(MostAccurateOfBands({}, 4), IsEmpty());
}

TEST(ParetoFrontTest, IsEmptyForNoPoints) {
  EXPECT_THAT(ParetoFront({}), IsEmpty());
}

TEST(ParetoFrontTest, KeepsTheSmallestIdOfTwins) {
  const std::vector<ObjectivePoint> points = {
      {9, 0.5, 10}, {4, 0.5, 10}, {7, 0.5, 10}};
  EXPECT_THAT(Ids(ParetoFront(points)), ElementsAre(4));
}

TEST(ParetoFrontTest, DropsEquallyFastButLessAccurate) {
  const std::vector<ObjectivePoint> points = {{1, 0.4, 10}, {2, 0.5, 10}};
  EXPECT_THAT(Ids(ParetoFront(points)), ElementsAre(2));
}

TEST(ParetoFrontTest, DropsEquallyAccurateButSlower) {
  const std::vector<ObjectivePoint> points = {{1, 0.5, 11}, {2, 0.5, 10}};
  EXPECT_THAT(Ids(ParetoFront(points)), ElementsAre(2));
}

TEST(ParetoFrontTest, AgreesWithTheDefinitionOnRandomPoints) {
  for (int seed = 0; seed < 20; ++seed) {
    const auto points = RandomPoints(60, 17, seed);
    std::vector<int> expected;
    for (const ObjectivePoint& point : points) {
      const bool beaten = std::any_of(
          points.begin(), points.end(), [&](const ObjectivePoint& other) {
            return Dominates(other, point) ||
                   (other.accuracy == point.accuracy &&
                    other.latency_ns == point.latency_ns &&
                    other.id < point.id);
          });
      if (!beaten) expected.push_back(point.id);
    }
    std::vector<int> actual = Ids(ParetoFront(points));
    std::sort(actual.begin(), actual.end());
    EXPECT_EQ(actual, expected) << "seed " << seed;
  }
}

TEST(HypervolumeTest, AddsTheStepsOfTheFront) {
  // Reference (0, 100): 90 * 0.5 + 80 * 0.2 + 60 * 0.1 + 20 * 0.1 = 69.
  EXPECT_NEAR(Hypervolume(kHandMade, {0, 100}), 0.69, 1e-12);
}

TEST(HypervolumeTest, IgnoresPointsBeyondTheReference) {
  // Only the part above accuracy 0.6 and faster than 40: 20 * 0.1 = 2.
  EXPECT_NEAR(Hypervolume(kHandMade, {0.6, 40}), 2.0 / 40, 1e-12);
}

TEST(HypervolumeTest, IsZeroWithoutPointsOrReference) {
  EXPECT_EQ(Hypervolume({}, {0, 10}), 0);
  EXPECT_EQ(Hypervolume(kHandMade, {0, 0}), 0);
}

TEST(HypervolumeTest, ReachesTheAreaOfZdt1) {
  // ZDT1's front f2 = 1 - sqrt(f1), as latency f1 and accuracy 1 - f2: the
  // area up to (1, accuracy 0) is the integral of sqrt(x) over 0..1, 2/3.
  std::vector<ObjectivePoint> points;
  constexpr int64_t kScale = 1'000'000;
  for (int i = 0; i <= 2000; ++i) {
    const double f1 = i / 2000.0;
    points.push_back({i, std::sqrt(f1), static_cast<int64_t>(f1 * kScale)});
  }
  EXPECT_NEAR(Hypervolume(points, {0, static_cast<double>(kScale)}), 2.0 / 3,
              1e-3);
}

TEST(HypervolumeTest, DefaultReferenceLetsTheSlowestPointCount) {
  const std::vector<ObjectivePoint> points = {{1, 0.5, 100}};
  const ReferencePoint reference = DefaultReference(points);
  EXPECT_EQ(reference.accuracy, 0);
  EXPECT_NEAR(reference.latency_ns, 110, 1e-9);
  EXPECT_NEAR(Hypervolume(points, reference), 0.5 * 10 / 110, 1e-12);
}

TEST(NonDominatedRanksTest, PeelsTheHandMadeLayers) {
  EXPECT_THAT(NonDominatedRanks(kHandMade),
              ElementsAre(0, 1, 0, 1, 0, 2, 0, 1, 2, 3));
}

TEST(NonDominatedRanksTest, AgreesWithPeelingOnRandomPoints) {
  for (int seed = 0; seed < 20; ++seed) {
    const auto points = RandomPoints(40, 9, seed);
    std::vector<int> expected(points.size(), -1);
    for (int rank = 0; std::count(expected.begin(), expected.end(), -1) > 0;
         ++rank) {
      std::vector<int> layer;
      for (size_t i = 0; i < points.size(); ++i) {
        bool beaten = expected[i] >= 0;
        for (size_t j = 0; j < points.size() && !beaten; ++j) {
          beaten = expected[j] < 0 && Dominates(points[j], points[i]);
        }
        if (!beaten) layer.push_back(static_cast<int>(i));
      }
      for (int i : layer) expected[i] = rank;
    }
    EXPECT_EQ(NonDominatedRanks(points), expected) << "seed " << seed;
  }
}

TEST(CrowdingDistancesTest, GivesEndsInfinityAndOthersTheirBox) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<ObjectivePoint> points = {
      {1, 0.1, 0}, {2, 0.2, 10}, {3, 0.5, 100}};
  // Middle: (100 - 0) / 100 + (0.5 - 0.1) / 0.4 = 2.
  const std::vector<int> ranks = {0, 0, 0};
  const auto distances = CrowdingDistances(points, ranks);
  EXPECT_EQ(distances[0], kInfinity);
  EXPECT_NEAR(distances[1], 2, 1e-12);
  EXPECT_EQ(distances[2], kInfinity);
}

}  // namespace
}  // namespace frostnas::search
