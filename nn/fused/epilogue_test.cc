#include "nn/fused/epilogue.h"

#include <limits>

#include "gtest/gtest.h"

namespace frostnas::nn {
namespace {

constexpr float kInfinity = Epilogue::kInfinity;

TEST(EpilogueTest, ReluClampsAndGates) {
  const Epilogue relu = ClampEpilogue(0, kInfinity);
  EXPECT_EQ(ApplyEpilogue(relu, -2), 0);
  EXPECT_EQ(ApplyEpilogue(relu, 3), 3);
  EXPECT_FALSE(Passes(relu, 0));
  EXPECT_TRUE(Passes(relu, 3));
}

TEST(EpilogueTest, RoundsToTheGridAndSaturates) {
  const Epilogue e = QuantizeEpilogue(
      -kInfinity, kInfinity, {.scale = 0.5, .zero_point = 2, .qmax = 5});
  EXPECT_EQ(ApplyEpilogue(e, 0.6f), 0.5f);
  EXPECT_EQ(ApplyEpilogue(e, 0.25f), 0);   // half to even
  EXPECT_EQ(ApplyEpilogue(e, 0.75f), 1);   // half to even
  EXPECT_EQ(ApplyEpilogue(e, 100), 1.5f);  // q = 5
  EXPECT_EQ(ApplyEpilogue(e, -100), -1);   // q = 0
  EXPECT_TRUE(Passes(e, 1.7f));
  EXPECT_FALSE(Passes(e, 1.8f));
  EXPECT_FALSE(Passes(e, -1.3f));
}

TEST(EpilogueTest, AReluOnAnAffineGridClampsAtItsZeroPoint) {
  const Epilogue e = QuantizeEpilogue(
      0, kInfinity, {.scale = 0.5, .zero_point = 10, .qmax = 20});
  EXPECT_EQ(ApplyEpilogue(e, -3), 0);
  EXPECT_FALSE(Passes(e, -0.1f));
  EXPECT_TRUE(Passes(e, 0.1f));
}

TEST(EpilogueTest, UnusableScalesQuantizeNothing) {
  for (const float scale :
       {0.0f, -1.0f, kInfinity, std::numeric_limits<float>::quiet_NaN(),
        std::numeric_limits<float>::denorm_min()}) {
    const Epilogue e =
        QuantizeEpilogue(-kInfinity, kInfinity, {.scale = scale});
    EXPECT_FALSE(e.quantize) << scale;
    EXPECT_EQ(ApplyEpilogue(e, 0.3f), 0.3f) << scale;
  }
}

}  // namespace
}  // namespace frostnas::nn
