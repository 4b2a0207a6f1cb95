#include "base/random.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas {
namespace {

using ::testing::ElementsAre;

constexpr int kDraws = 200'000;

struct Moments {
  double mean;
  double variance;
};

template <typename Draw>
Moments Measure(Draw draw) {
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = draw();
    sum += x;
    squares += x * x;
  }
  const double mean = sum / kDraws;
  return {mean, squares / kDraws - mean * mean};
}

// The known answers published with Random123.
TEST(RandomTest, PhiloxGivesThePublishedBlocks) {
  EXPECT_THAT(internal::Philox({0, 0, 0, 0}, 0),
              ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(internal::Philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                               0x299f31d0a4093822),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST(RandomTest, LogAgreesWithTheLibrary) {
  Random random(1);
  for (int i = 0; i < 100'000; ++i) {
    const double x =
        std::ldexp(random.Uniform(0.5, 1), static_cast<int>(i % 121) - 60);
    const double want = std::log(x);
    EXPECT_NEAR(internal::PortableLog(x), want, 5e-16 * std::fabs(want) + 2e-17)
        << x;
  }
  EXPECT_EQ(internal::PortableLog(1), 0);
}

TEST(RandomTest, ASeedGivesTheSameNumbersForEver) {
  Random random(42);
  const std::array<uint64_t, 3> first = {
      random.NextUint64(), random.NextUint64(), random.NextUint64()};
  EXPECT_THAT(first, ElementsAre(4178175447637466989U, 5731502133825943391U,
                                 17902385379470536821U));
  EXPECT_EQ(random.Normal(), 0x1.19bc9e74c1494p-1);
  EXPECT_EQ(random.Gumbel(), 0x1.e2d35305fe37ep-2);
}

TEST(RandomTest, DistributionsHaveTheirMoments) {
  Random random(7);
  const Moments uniform = Measure([&] { return random.Uniform(); });
  EXPECT_NEAR(uniform.mean, 0.5, 0.003);
  EXPECT_NEAR(uniform.variance, 1.0 / 12, 0.001);
  const Moments narrow = Measure([&] { return random.UniformFloat(); });
  EXPECT_NEAR(narrow.mean, 0.5, 0.003);
  const Moments normal = Measure([&] { return random.Normal(); });
  EXPECT_NEAR(normal.mean, 0, 0.01);
  EXPECT_NEAR(normal.variance, 1, 0.02);
  const Moments laplace = Measure([&] { return random.Laplace(); });
  EXPECT_NEAR(laplace.mean, 0, 0.015);
  EXPECT_NEAR(laplace.variance, 2, 0.05);
  const Moments gumbel = Measure([&] { return random.Gumbel(); });
  EXPECT_NEAR(gumbel.mean, 0.5772, 0.015);
  EXPECT_NEAR(gumbel.variance, 1.6449, 0.05);
}

TEST(RandomTest, IntegersFillTheirRangeEvenly) {
  Random random(3);
  std::array<int, 6> counts = {};
  for (int i = 0; i < 60'000; ++i) ++counts[random.UniformInt(6)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 400);
  EXPECT_EQ(random.UniformInt(1), 0);
  EXPECT_LT(random.UniformInt(~uint64_t{0}), ~uint64_t{0});
}

TEST(RandomTest, SplitsDependOnTheLabelAndNotOnDraws) {
  Random root(9);
  const Random before = root.Split("weights");
  root.NextUint64();
  EXPECT_EQ(root.Split("weights"), before);
  std::set<uint64_t> first;
  for (const char* label : {"", "a", "b", "ab", "weights", "weights of it"}) {
    first.insert(root.Split(label).NextUint64());
  }
  for (uint64_t label = 0; label < 100; ++label) {
    first.insert(root.Split(label).NextUint64());
  }
  first.insert(root.Split(absl::string_view("a\0", 2)).NextUint64());
  EXPECT_EQ(first.size(), 107);
}

TEST(RandomTest, AStateContinuesWhereItWas) {
  for (int drawn = 0; drawn < 9; ++drawn) {
    Random random(5);
    for (int i = 0; i < drawn; ++i) random.NextUint32();
    const std::string state = random.State();
    EXPECT_EQ(state.size(), Random::kStateBytes);
    ASSERT_OK_AND_ASSIGN(Random restored, Random::FromState(state));
    EXPECT_EQ(restored.NextUint64(), random.NextUint64());
  }
}

TEST(RandomTest, SkippingGivesWhatDrawingWouldHave) {
  for (uint64_t skipped = 0; skipped < 9; ++skipped) {
    Random drawn(5), skips(5);
    EXPECT_EQ(drawn.NextUint32(), skips.NextUint32());
    for (uint64_t i = 0; i < skipped; ++i) drawn.NextUint32();
    skips.Skip(skipped);
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(skips.NextUint32(), drawn.NextUint32()) << skipped;
    }
  }
}

TEST(RandomTest, OtherBytesAreNoState) {
  const auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(Random::FromState(""), StatusIs(kInvalid));
  EXPECT_THAT(Random::FromState(std::string(24, 'x')), StatusIs(kInvalid));
}

TEST(RandomTest, AShuffleKeepsTheItemsAndReachesEveryOrder) {
  Random random(11);
  std::set<std::vector<int>> orders;
  for (int i = 0; i < 200; ++i) {
    std::vector<int> items = {1, 2, 3};
    random.Shuffle(items);
    EXPECT_THAT(items, ::testing::UnorderedElementsAre(1, 2, 3));
    orders.insert(items);
  }
  EXPECT_EQ(orders.size(), 6);
}

}  // namespace
}  // namespace frostnas
