#include "nn/optim/grad_boost.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "base/random.h"
#include "gtest/gtest.h"
#include "nn/optim/kernels.h"
#include "nn/optim/optimizer.h"
#include "nn/parameter.h"

namespace frostnas::nn {
namespace {

// The same draw everywhere.
class FixedNoise : public NoiseSource {
 public:
  explicit FixedNoise(float draw) : draw_(draw) {}
  void Fill(const NoiseKey&, uint64_t, absl::Span<float> noise) const override {
    std::fill(noise.begin(), noise.end(), draw_);
  }

 private:
  float draw_;
};

// Range statistics of one element.
struct Range {
  float low = 0;
  float high = 0;
};

Range RangeAfter(GradBoostMode mode, const std::vector<float>& gradients) {
  Range range;
  for (size_t t = 0; t < gradients.size(); ++t) {
    Boost(
        BoostConstantsFor({.mode = mode}, 0.9, static_cast<int64_t>(t) + 1, 0),
        {.count = 1,
         .grad = &gradients[t],
         .low = &range.low,
         .high = &range.high});
  }
  return range;
}

Parameter Scalar(float value, float grad) {
  return {.name = "p", .shape = {1}, .value = {value}, .grad = {grad}};
}

TEST(GradBoostTest, FollowsTheGoldenTrace) {
  Parameter p = Scalar(1, 0.5f);
  auto optimizer = Optimizer::CreateWithNoise(
      {.grad_boost = {.mode = GradBoostMode::kRepoExact}}, {&p},
      std::make_unique<FixedNoise>(1.2f));
  ASSERT_TRUE(optimizer.ok()) << optimizer.status();
  (*optimizer)->Step(0.1);
  EXPECT_NEAR(p.value[0], 0.905, 1e-6);
  p.grad = {0.25f};
  (*optimizer)->Step(0.1);
  EXPECT_NEAR(p.value[0], 0.817, 1e-6);
  (*optimizer)->StartBoosting();
  p.grad = {-0.1f};
  (*optimizer)->Step(0.1);
  EXPECT_NEAR(p.value[0], 0.77949, 1e-6);
}

TEST(GradBoostTest, GoldenTraceHasThePublishedRanges) {
  using enum GradBoostMode;
  EXPECT_NEAR(RangeAfter(kRepoExact, {0.5f}).high, 0.5, 1e-6);
  EXPECT_NEAR(RangeAfter(kRepoExact, {0.5f, 0.25f}).high, 2.6316, 5e-5);
  EXPECT_NEAR(RangeAfter(kRepoExact, {0.5f, 0.25f, -0.1f}).high, 9.7106, 5e-4);
  EXPECT_EQ(RangeAfter(kRepoExact, {0.5f, 0.25f, -0.1f}).low, 0);
}

TEST(GradBoostTest, ReleasedRangeInflatesAsMeasured) {
  struct Row {
    int steps;
    double high;
    double tolerance;
  };
  for (const Row& row :
       {Row{1, 1e-3, 1e-6}, Row{2, 5.263e-3, 1e-6}, Row{3, 1.942e-2, 1e-5},
        Row{5, 0.1379, 1e-4}, Row{10, 2.483, 1e-3}, Row{20, 25.18, 1e-2},
        Row{50, 74.23, 1e-2}, Row{100, 77.7, 0.06}, Row{1000, 77.7, 0.07}}) {
    const std::vector<float> same(row.steps, 1e-3f);
    EXPECT_NEAR(RangeAfter(GradBoostMode::kRepoExact, same).high, row.high,
                row.tolerance)
        << row.steps << " steps";
  }
}

TEST(GradBoostTest, CorrectedRangeOfAConstantGradientIsEmpty) {
  const std::vector<float> same(30, 1e-3f);
  const Range range = RangeAfter(GradBoostMode::kCorrected, same);
  const double bias = 1 - std::pow(0.9, 30);
  EXPECT_NEAR(range.low / bias, 1e-3, 1e-8);
  EXPECT_NEAR(range.high / bias, 1e-3, 1e-8);
}

TEST(GradBoostTest, CorrectedRangeOfNormalGradientsSettlesNearThreeSigma) {
  Random random(7);
  double sum = 0;
  constexpr int kRuns = 50;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<float> gradients(2000);
    for (float& g : gradients) g = static_cast<float>(1e-3 * random.Normal());
    sum += RangeAfter(GradBoostMode::kCorrected, gradients).high;
  }
  EXPECT_NEAR(sum / kRuns, 2.8e-3, 0.1e-3);
}

// Boosted gradient of one element with a known range.
float Boosted(const GradBoostOptions& options, float grad, float draw,
              int64_t boosted) {
  float low = 0, high = 0, out = 0;
  Boost(BoostConstantsFor(options, 0.9, 1, boosted), {.count = 1,
                                                      .grad = &grad,
                                                      .low = &low,
                                                      .high = &high,
                                                      .noise = &draw,
                                                      .boosted = &out});
  return out;
}

TEST(GradBoostTest, NoiseKeepsTheGradientsSignAndTheClip) {
  const GradBoostOptions options = {.mode = GradBoostMode::kRepoExact};
  // At its first step an element's range is its own |gradient|.
  EXPECT_FLOAT_EQ(Boosted(options, 2e-4f, 1, 1), 2e-4f + 2e-4f * 0.99f);
  EXPECT_FLOAT_EQ(Boosted(options, -2e-4f, 1, 1), -2e-4f - 2e-4f * 0.99f);
  EXPECT_FLOAT_EQ(Boosted(options, -0.5f, 3, 1), -0.5f - 1e-3f);
  EXPECT_EQ(Boosted(options, 0, 3, 1), 0);
  EXPECT_EQ(Boosted(options, 0.5f, 0, 1), 0.5f);
}

TEST(GradBoostTest, NoiseDecaysByBoostedStepAndClipMayBeOff) {
  const GradBoostOptions options = {
      .mode = GradBoostMode::kRepoExact, .clip_by = 0, .noise_decay = 0.5};
  EXPECT_FLOAT_EQ(Boosted(options, 1, 2, 1), 1 + 2 * 0.5f);
  EXPECT_FLOAT_EQ(Boosted(options, 1, 2, 4), 1 + 2 * 0.0625f);
}

TEST(GradBoostTest, HalfOfTheReleasedNoiseIsAtTheClipAtFirst) {
  constexpr int kCount = 4000;
  Parameter p = {.name = "p",
                 .shape = {kCount},
                 .value = std::vector<float>(kCount),
                 .grad = std::vector<float>(kCount, 1e-3f)};
  auto optimizer = *Optimizer::Create(
      {.momentum = 0, .grad_boost = {.mode = GradBoostMode::kRepoExact}}, {&p});
  for (int t = 0; t < 100; ++t) optimizer->Step(0);
  optimizer->StartBoosting();
  double noise = 0;
  constexpr int kSteps = 500;
  for (int t = 0; t < kSteps; ++t) {
    std::fill(p.value.begin(), p.value.end(), 0.0f);
    optimizer->Step(1);
    for (const float value : p.value) noise += -value - 1e-3;
  }
  // methods.md 1.8 (d): mean noise / clip = 0.5 in the first 500 steps.
  EXPECT_NEAR(noise / (kSteps * static_cast<double>(kCount)) / 1e-3, 0.5, 5e-3);
}

TEST(NoiseSourceTest, IsTheMagnitudeOfLaplaceTimesACoin) {
  const auto noise = NoiseSource::Create(3);
  constexpr int kCount = 400000;
  std::vector<float> drawn(kCount);
  for (const bool coin : {false, true}) {
    noise->Fill({.parameter = 2, .step = 5, .toss_coin = coin}, 0,
                absl::MakeSpan(drawn));
    double sum = 0, square = 0, zero = 0, above_two = 0;
    for (const float x : drawn) {
      ASSERT_GE(x, 0);
      ASSERT_LT(x, 17.4);
      sum += x;
      square += x * x;
      zero += x == 0;
      above_two += x > 2;
    }
    const double kept = coin ? 0.5 : 1;
    EXPECT_NEAR(sum / kCount, kept, 0.01);
    EXPECT_NEAR(square / kCount, 2 * kept, 0.05);
    EXPECT_NEAR(zero / kCount, 1 - kept, 0.005);
    EXPECT_NEAR(above_two / kCount, kept * std::exp(-2.0), 0.003);
  }
}

TEST(NoiseSourceTest, DoesNotDependOnWhereBlocksAreCut) {
  const auto noise = NoiseSource::Create(11);
  const NoiseKey key = {.parameter = 1, .step = 9};
  std::vector<float> whole(1003), parts(1003);
  noise->Fill(key, 0, absl::MakeSpan(whole));
  for (size_t at = 0; at < parts.size(); at += 17) {
    noise->Fill(key, at, absl::MakeSpan(parts).subspan(at, 17));
  }
  EXPECT_EQ(whole, parts);
}

TEST(NoiseSourceTest, IsUncorrelatedBetweenSeedsParametersStepsAndNeighbours) {
  constexpr int kCount = 100000;
  const auto draw = [](uint64_t seed, NoiseKey key, uint64_t offset) {
    key.toss_coin = false;
    std::vector<float> drawn(kCount);
    NoiseSource::Create(seed)->Fill(key, offset, absl::MakeSpan(drawn));
    return drawn;
  };
  const NoiseKey key = {.parameter = 1, .step = 1};
  const std::vector<float> base = draw(1, key, 0);
  for (const std::vector<float>& other :
       {draw(2, key, 0), draw(1, {.parameter = 2, .step = 1}, 0),
        draw(1, {.parameter = 1, .step = 2}, 0), draw(1, key, 1)}) {
    double covariance = 0;
    for (int i = 0; i < kCount; ++i) {
      covariance += (base[i] - 1.0) * (other[i] - 1.0);
    }
    // Standard error 1 / sqrt(kCount) = 0.0032 at variance 1.
    EXPECT_NEAR(covariance / kCount, 0, 0.013);
  }
}

}  // namespace
}  // namespace frostnas::nn
