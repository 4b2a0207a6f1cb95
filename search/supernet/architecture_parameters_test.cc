#include "search/supernet/architecture_parameters.h"

#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "latency/expected_latency.h"
#include "search/supernet/gates.h"

namespace frostnas::search {
namespace {

constexpr int kCandidates[] = {3, 1, 2};

std::unique_ptr<ArchitectureParameters> Make(int seed = 1) {
  return ArchitectureParameters::Create(kCandidates, Random(seed)).value();
}

latency::ExpectedLatency Latency() {
  return latency::ExpectedLatency::Create({{10, 20, 40}, {5}, {0, 30}}, 0)
      .value();
}

TEST(ArchitectureParametersTest, StartsNearlyUniform) {
  const auto p = Make()->Probabilities();
  for (double value : p[0]) EXPECT_NEAR(value, 1.0 / 3, 0.01);
  EXPECT_EQ(p[1][0], 1);
  EXPECT_NEAR(Make()->MeanEntropy(), (std::log(3) + std::log(2)) / 2, 1e-4);
}

TEST(ArchitectureParametersTest, StepMovesAgainstTheGradient) {
  auto parameters = Make();
  const auto before = parameters->Probabilities();
  parameters->AddGradient(0, {1, 0, -1});
  parameters->Step(0.1);
  const auto after = parameters->Probabilities();
  EXPECT_LT(after[0][0], before[0][0]);
  EXPECT_GT(after[0][2], before[0][2]);
  EXPECT_EQ(after[2], before[2]);
  // Gradients do not outlive their step.
  const auto logits = parameters->Logits();
  parameters->Step(0.1);
  EXPECT_EQ(parameters->Logits(), logits);
}

TEST(ArchitectureParametersTest, PairStepKeepsOthersProbabilities) {
  auto parameters = Make();
  parameters->Reset({{0, 1, 2}, {0}, {0, 0}});
  const double untouched = parameters->Probabilities()[0][1];
  parameters->AddGradient(0, {1, 0, -1});
  const std::vector<GatePair> pairs = {{0, 2, 0.1192, 0.8808}, {}, {}};
  parameters->StepPairs(0.1, pairs);
  EXPECT_NEAR(parameters->Probabilities()[0][1], untouched, 1e-6);
  EXPECT_LT(parameters->Logits()[0][0], 0);
}

TEST(ArchitectureParametersTest, GoesOnFromASavedState) {
  auto straight = Make();
  straight->AddGradient(0, {1, 2, 3});
  straight->Step(0.1);
  auto restored = Make(2);
  ASSERT_OK(restored->LoadState(straight->SaveState()));
  for (auto* parameters : {straight.get(), restored.get()}) {
    parameters->AddGradient(0, {-1, 0.5, 3});
    parameters->Step(0.1);
  }
  EXPECT_EQ(straight->Logits(), restored->Logits());
  EXPECT_TRUE(straight->SaveState() == restored->SaveState());
}

TEST(ArchitectureParametersTest, RefusesAStateOfAnotherSpace) {
  constexpr int kOther[] = {3, 1, 4};
  const auto other = ArchitectureParameters::Create(kOther, Random(1)).value();
  EXPECT_THAT(Make()->LoadState(other->SaveState()),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Make()->LoadState("nonsense"),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(LatencyPressureTest, GrowsAboveTheLimitAndVanishesBelow) {
  const auto latency = Latency();
  LatencyPressure pressure(latency, 40, 0.5);
  EXPECT_EQ(pressure.Loss(60), 0);
  pressure.Update(60);
  EXPECT_DOUBLE_EQ(pressure.lambda(), 0.25);
  EXPECT_DOUBLE_EQ(pressure.Loss(60), 0.125);
  EXPECT_DOUBLE_EQ(pressure.LossByNs(), 0.25 / 40);
  pressure.Update(36);
  EXPECT_DOUBLE_EQ(pressure.lambda(), 0.2);
  pressure.Update(4);
  EXPECT_EQ(pressure.lambda(), 0);
}

// No cross entropy at all: the multiplier alone must bring E to the limit.
TEST(LatencyPressureTest, DrivesExpectedLatencyToTheLimit) {
  const auto latency = Latency();
  LatencyPressure pressure(latency, 25, 0.1);
  auto parameters = Make();
  double expected = latency.Value(parameters->Probabilities());
  ASSERT_GT(expected, 40);
  for (int step = 0; step < 300 && expected > 25; ++step) {
    const auto by_logits = latency.GradientByLogits(parameters->Logits());
    for (int s = 0; s < parameters->num_slots(); ++s) {
      std::vector<double> gradient = by_logits[s];
      for (double& value : gradient) value *= pressure.LossByNs();
      parameters->AddGradient(s, gradient);
    }
    parameters->Step(0.05);
    expected = latency.Value(parameters->Probabilities());
    pressure.Update(expected);
  }
  EXPECT_LE(expected, 25);
}

}  // namespace
}  // namespace frostnas::search
