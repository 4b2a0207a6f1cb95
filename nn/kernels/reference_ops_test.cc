#include "nn/kernels/reference_ops.h"

#include <cmath>

#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/testing/gradient_check.h"

namespace frostnas::nn::reference {
namespace {

using ::testing::ElementsAre;

Values RandomValues(int64_t count, uint64_t seed) {
  Random random(seed);
  Values values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(random.Normal());
  return values;
}

TEST(ReferenceOpsTest, ConcatAndSliceAreInverse) {
  const Values a = {1, 2};        // two rows of 1
  const Values b = {3, 4, 5, 6};  // two rows of 2
  const Values joined = Concat(a, 1, b, 2);
  EXPECT_THAT(joined, ElementsAre(1, 3, 4, 2, 5, 6));
  EXPECT_EQ(Slice(joined, 3, 0, 1), a);
  EXPECT_EQ(Slice(joined, 3, 1, 2), b);
}

TEST(ReferenceOpsTest, PoolsWindows) {
  const Pool pool = {.src = {1, 3, 3, 1}, .kernel = 2, .stride = 1};
  const Values src = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_THAT(MaxPoolForward(pool, src), ElementsAre(5, 6, 8, 9));
  EXPECT_THAT(AveragePoolForward(pool, src), ElementsAre(3, 4, 6, 7));
}

TEST(ReferenceOpsTest, FirstOfEqualsGetsTheGradient) {
  const Pool pool = {.src = {1, 2, 2, 1}, .kernel = 2, .stride = 2};
  EXPECT_THAT(MaxPoolBackward(pool, {4, 7, 7, 1}, {3}),
              ElementsAre(0, 3, 0, 0));
}

TEST(ReferenceOpsTest, PoolGradientsAgreeWithDifferences) {
  const Pool pool = {.src = {2, 5, 5, 3}, .kernel = 3, .stride = 2};
  Values src = RandomValues(pool.src.elements(), 1);
  const Values diff_dst = RandomValues(pool.dst().elements(), 2);
  EXPECT_TRUE(CheckGradients(
      [&] { return WeightedSum(MaxPoolForward(pool, src), diff_dst); },
      {{"src", absl::MakeSpan(src), MaxPoolBackward(pool, src, diff_dst)}},
      {.step = 1e-3}));
  EXPECT_TRUE(CheckGradients(
      [&] { return WeightedSum(AveragePoolForward(pool, src), diff_dst); },
      {{"src", absl::MakeSpan(src), AveragePoolBackward(pool, diff_dst)}}));
}

TEST(ReferenceOpsTest, DropoutKeepsTheMean) {
  EXPECT_THAT(Dropout({2, 4, 6, 8}, {true, false, true, false}, 0.5),
              ElementsAre(0, 8, 0, 16));
}

TEST(ReferenceOpsTest, LinearGradientsAgreeWithDifferences) {
  const LinearShape shape = {.n = 3, .c_in = 4, .c_out = 2};
  Values src = RandomValues(12, 1), weights = RandomValues(8, 2);
  Values bias = RandomValues(2, 3);
  const Values diff_dst = RandomValues(6, 4);
  const LinearGradients gradients =
      LinearBackward(shape, src, weights, diff_dst);
  EXPECT_TRUE(CheckGradients(
      [&] {
        return WeightedSum(LinearForward(shape, src, weights, bias), diff_dst);
      },
      {{"src", absl::MakeSpan(src), gradients.diff_src},
       {"weights", absl::MakeSpan(weights), gradients.diff_weights},
       {"bias", absl::MakeSpan(bias), gradients.diff_bias}}));
}

TEST(ReferenceOpsTest, CrossEntropyOfEqualLogitsIsTheLogOfTheClasses) {
  const Values target = SmoothedTarget({2}, 4, 0.2f);
  EXPECT_NEAR(target[2], 0.85, 1e-6);
  EXPECT_NEAR(CrossEntropy({1, 1, 1, 1}, target, 4), std::log(4), 1e-6);
}

TEST(ReferenceOpsTest, CrossEntropyGradientAgreesWithDifferences) {
  Values logits = RandomValues(3 * 5, 1);
  const Values target = SmoothedTarget({4, 0, 2}, 5, 0.1f);
  EXPECT_TRUE(CheckGradients([&] { return CrossEntropy(logits, target, 5); },
                             {{"logits", absl::MakeSpan(logits),
                               CrossEntropyGradient(logits, target, 5)}}));
}

}  // namespace
}  // namespace frostnas::nn::reference
