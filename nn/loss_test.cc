#include "nn/loss.h"

#include <cmath>
#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"
#include "nn/kernels/reference_ops.h"
#include "nn/testing/gradient_check.h"

namespace frostnas::nn {
namespace {

Tensor RandomLogits(int n, int classes, uint64_t seed) {
  Random random(seed);
  Tensor tensor({n, 1, 1, classes});
  for (float& value : tensor.span()) {
    value = static_cast<float>(2 * random.Normal());
  }
  return tensor;
}

std::vector<float> ValuesOf(const Tensor& tensor) {
  return {tensor.span().begin(), tensor.span().end()};
}

TEST(LossTest, CrossEntropyAgreesWithTheReference) {
  const Tensor logits = RandomLogits(6, 10, 1);
  const std::vector<int32_t> labels = {0, 9, 3, 3, 1, 5};
  for (const float smoothing : {0.0f, 0.1f}) {
    const std::vector<float> target =
        reference::SmoothedTarget(labels, 10, smoothing);
    Tensor diff;
    const LossResult result =
        SoftmaxCrossEntropy(logits, labels, smoothing, &diff);
    EXPECT_NEAR(result.loss,
                reference::CrossEntropy(ValuesOf(logits), target, 10), 1e-6);
    const std::vector<float> expected =
        reference::CrossEntropyGradient(ValuesOf(logits), target, 10);
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(diff.data()[i], expected[i], 1e-7);
    }
  }
}

TEST(LossTest, GradientsAgreeWithDifferences) {
  Tensor logits = RandomLogits(3, 5, 2);
  const std::vector<int32_t> labels = {4, 0, 2};
  Tensor diff;
  SoftmaxCrossEntropy(logits, labels, 0.1f, &diff);
  EXPECT_TRUE(CheckGradients(
      [&] { return SoftmaxCrossEntropy(logits, labels, 0.1f, nullptr).loss; },
      {{"logits", logits.span(), diff.span()}}));

  Tensor teacher;
  Softmax(RandomLogits(3, 5, 3), teacher);
  DistillationLoss(logits, teacher, &diff);
  EXPECT_TRUE(
      CheckGradients([&] { return DistillationLoss(logits, teacher, nullptr); },
                     {{"logits", logits.span(), diff.span()}}));
}

TEST(LossTest, ATeacherThatAgreesLeavesNoGradient) {
  const Tensor logits = RandomLogits(2, 4, 4);
  Tensor teacher, diff;
  Softmax(logits, teacher);
  DistillationLoss(logits, teacher, &diff);
  for (float gradient : diff.span()) EXPECT_NEAR(gradient, 0, 1e-7);
}

TEST(LossTest, LargeLogitsDoNotOverflow) {
  Tensor logits({1, 1, 1, 2});
  logits.data()[0] = 3000;
  logits.data()[1] = -3000;
  const std::vector<int32_t> label = {1};
  Tensor diff;
  EXPECT_EQ(SoftmaxCrossEntropy(logits, label, 0, &diff).loss, 6000);
  EXPECT_EQ(diff.data()[0], 1);
  EXPECT_EQ(diff.data()[1], -1);
}

TEST(LossTest, CountsTheFirstOfEqualLogits) {
  Tensor logits({3, 1, 1, 2});
  logits.Zero();
  logits.data()[2] = 1;  // image 1 prefers class 0
  logits.data()[5] = 1;  // image 2 prefers class 1
  EXPECT_EQ(CountCorrect(logits, {0, 1, 1}), 2);
}

}  // namespace
}  // namespace frostnas::nn
