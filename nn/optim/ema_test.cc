#include "nn/optim/ema.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "nn/parameter.h"

namespace frostnas::nn {
namespace {

struct Tensors {
  Parameter weight = {
      .name = "w", .shape = {2}, .value = {1, -2}, .grad = {0, 0}};
  StateBuffer mean = {.name = "m", .value = {0.5f}};
};

TEST(WeightAverageTest, FollowsItsFormula) {
  Tensors tensors;
  WeightAverage average({.decay = 0.5}, {&tensors.weight}, {&tensors.mean});
  double expected = 1;
  for (int t = 1; t <= 30; ++t) {
    tensors.weight.value[0] = static_cast<float>(t * t);
    average.Update();
    const double decay = std::min(0.5, t / (t + 9.0));
    expected = decay * expected + (1 - decay) * t * t;
  }
  average.Swap();
  EXPECT_NEAR(tensors.weight.value[0], expected, 1e-3);
  EXPECT_EQ(tensors.weight.value[1], -2);
  EXPECT_EQ(tensors.mean.value[0], 0.5f);
}

TEST(WeightAverageTest, SwappingTwiceRestoresTheWeightsInPlace) {
  Tensors tensors;
  const float* place = tensors.weight.value.data();
  WeightAverage average({.decay = 0.9}, {&tensors.weight}, {&tensors.mean});
  tensors.weight.value = {5, 6};
  tensors.mean.value = {7};
  average.Update();
  const std::vector<float> weights = tensors.weight.value;
  average.Swap();
  EXPECT_TRUE(average.swapped());
  EXPECT_NE(tensors.weight.value, weights);
  EXPECT_NE(tensors.mean.value[0], 7);
  average.Swap();
  EXPECT_EQ(tensors.weight.value, weights);
  EXPECT_EQ(tensors.mean.value[0], 7);
  EXPECT_EQ(tensors.weight.value.data(), place);
}

TEST(WeightAverageTest, RestoredAverageContinuesBitForBit) {
  Tensors tensors;
  WeightAverage first({.decay = 0.9}, {&tensors.weight}, {&tensors.mean});
  tensors.weight.value = {3, 4};
  first.Update();
  const std::string state = first.SaveState();
  WeightAverage second({.decay = 0.9}, {&tensors.weight}, {&tensors.mean});
  ASSERT_TRUE(second.LoadState(state).ok());
  tensors.weight.value = {-3, 4.5f};
  first.Update();
  second.Update();
  EXPECT_EQ(first.SaveState(), second.SaveState());
}

TEST(WeightAverageTest, OtherBytesAreRefusedAndChangeNothing) {
  Tensors tensors;
  WeightAverage average({.decay = 0.9}, {&tensors.weight}, {&tensors.mean});
  average.Update();
  const std::string state = average.SaveState();
  for (size_t size = 0; size < state.size(); ++size) {
    EXPECT_EQ(average.LoadState(state.substr(0, size)).code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(average.LoadState(state + "x").code(),
            absl::StatusCode::kInvalidArgument);
  Tensors renamed;
  renamed.mean.name = "variance";
  WeightAverage other({}, {&renamed.weight}, {&renamed.mean});
  EXPECT_EQ(other.LoadState(state).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(average.SaveState(), state);
}

}  // namespace
}  // namespace frostnas::nn
