#include "quant/methods/fixed_point/allocation_rounding.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "quant/testing/architectures.h"
#include "quant/testing/float_network.h"

namespace frostnas::quant {
namespace {

using ::testing::ElementsAre;

// Damping adds a hundredth of the mean diagonal, here 2.5 / 100.
TEST(FeedbackTest, TwoElementsByHand) {
  const std::vector<float> feedback = FeedbackOf({1, 0.5, 0, 4}, 2);
  EXPECT_FLOAT_EQ(feedback[0], 1);
  // An error e of the first is best undone by e C_01 / C_11 of the second.
  EXPECT_FLOAT_EQ(feedback[1], -0.5f / 4.025f);
  EXPECT_FLOAT_EQ(feedback[3], 1);
}

TEST(FeedbackTest, IndependentElementsGetNone) {
  const std::vector<float> feedback =
      FeedbackOf({2, 0, 0, 0, 1, 0, 0, 0, 3}, 3);
  EXPECT_THAT(feedback, ElementsAre(1, 0, 0, 0, 1, 0, 0, 0, 1));
}

TEST(FeedbackTest, AConstantInputIsSound) {
  for (float value : FeedbackOf(std::vector<double>(9, 0.0), 3)) {
    EXPECT_TRUE(std::isfinite(value));
  }
}

// Two copies of one input: 0.4 + 0.4 is rounded to 0 + 1.
TEST(RoundWithFeedbackTest, ErrorsOfCopiesCancel) {
  const std::vector<float> feedback = FeedbackOf({1, 1, 0, 1}, 2);
  EXPECT_THAT(RoundWithFeedback({0.4f, 0.4f}, 7, feedback), ElementsAre(0, 1));
  EXPECT_THAT(RoundWithFeedback({9.0f, 0.4f}, 7, feedback), ElementsAre(7, 2));
}

// Against rounding to the nearest, on inputs drawn with that covariance.
TEST(RoundWithFeedbackTest, OutputsComeOutBetter) {
  constexpr int kElements = 12, kSamples = 2000;
  Random random(3);
  std::vector<std::vector<float>> inputs(kSamples);
  std::vector<double> covariance(kElements * kElements, 0.0);
  for (std::vector<float>& input : inputs) {
    double walk = 0;
    for (int i = 0; i < kElements; ++i) {
      walk = 0.9 * walk + random.Normal();
      input.push_back(static_cast<float>(walk));
    }
    for (int i = 0; i < kElements; ++i) {
      for (int j = i; j < kElements; ++j) {
        covariance[i * kElements + j] += input[i] * input[j] / kSamples;
      }
    }
  }
  std::vector<float> weights;
  for (int i = 0; i < kElements; ++i) {
    weights.push_back(static_cast<float>(2 * random.Normal()));
  }
  const auto error = [&](const std::vector<int8_t>& rounded) {
    double sum = 0;
    for (const std::vector<float>& input : inputs) {
      double difference = 0;
      for (int i = 0; i < kElements; ++i) {
        difference += (weights[i] - rounded[i]) * input[i];
      }
      sum += difference * difference;
    }
    return sum;
  };
  std::vector<int8_t> nearest;
  for (float weight : weights) {
    nearest.push_back(static_cast<int8_t>(std::nearbyint(weight)));
  }
  const auto fed =
      RoundWithFeedback(weights, 7, FeedbackOf(covariance, kElements));
  EXPECT_LT(error(fed), 0.75 * error(nearest));
}

TEST(ObserveInputsTest, DenseLayersHaveStatistics) {
  const v1::Architecture architecture = EveryLayerArchitecture();
  ASSERT_OK_AND_ASSIGN(const FoldedNetwork folded,
                       Fold(RandomFloatNetwork(architecture, 5)));
  const nn::ImageSet images = RandomImages(architecture, 20, 3);
  ASSERT_OK_AND_ASSIGN(const std::vector<InputStatistics> statistics,
                       ObserveInputs(folded, {images, folded.dataset}, {}));
  ASSERT_EQ(statistics.size(), folded.layers.size());
  for (size_t i = 0; i < statistics.size(); ++i) {
    const arch::Layer& layer = folded.graph.layers[i];
    const bool dense =
        layer.has_weights() && layer.kind != arch::LayerKind::kDepthwise;
    EXPECT_EQ(statistics[i].empty(), !dense) << layer.name;
    for (float value : statistics[i].feedback) {
      ASSERT_TRUE(std::isfinite(value)) << layer.name;
    }
  }
  nn::ImageSet none = images;
  none.labels.clear();
  none.pixels.clear();
  EXPECT_THAT(ObserveInputs(folded, {none, folded.dataset}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace frostnas::quant
