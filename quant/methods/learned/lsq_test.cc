#include "quant/methods/learned/lsq.h"

#include <cstdint>
#include <memory>

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/threads.h"
#include "quant/methods/network/fake_quant.h"
#include "quant/methods/ranges/range_stages.h"
#include "quant/testing/architectures.h"
#include "quant/testing/float_network.h"

namespace frostnas::quant {
namespace {

class LsqTest : public testing::Test {
 protected:
  LsqTest()
      : network_(Fold(RandomFloatNetwork(EveryLayerArchitecture(), 1)).value()),
        images_(RandomImages(EveryLayerArchitecture(), 64, 2)) {
    nn::SetComputeThreads(1);
  }

  const FoldedNetwork network_;
  const nn::ImageSet images_;
};

// A class is a brightness, with some noise.
nn::ImageSet BrightnessImages(int count) {
  nn::ImageSet images = RandomImages(EveryLayerArchitecture(), count, 3);
  for (size_t i = 0; i < images.pixels.size(); ++i) {
    const int label = images.labels[i / images.image_bytes()];
    images.pixels[i] = static_cast<uint8_t>(25 * label + images.pixels[i] % 25);
  }
  return images;
}

TEST_F(LsqTest, LearnsLabels) {
  const nn::ImageSet images = BrightnessImages(512);
  const MethodInputs inputs = {network_,
                               images,
                               images,
                               images,
                               {.weight_bits = 4,
                                .activation_bits = 4,
                                .epochs = 10,
                                .learning_rate = 0.02},
                               {},
                               {}};
  MethodResult minmax, learned;
  minmax.network = learned.network = network_;
  ASSERT_OK(RunMinMax(inputs, minmax));
  ASSERT_OK(RunLsq(inputs, learned));
  ASSERT_OK_AND_ASSIGN(const double before,
                       FakeQuantTop1(minmax.network, minmax.plan, {images}));
  ASSERT_OK_AND_ASSIGN(const double after,
                       FakeQuantTop1(learned.network, learned.plan, {images}));
  EXPECT_GT(after, before + 0.3);
  EXPECT_NE(learned.network.layers[0].weights, network_.layers[0].weights);
  EXPECT_OK(Assemble(learned.network, learned.plan).status());
  EXPECT_EQ(learned.bits[0].weights, 4);
}

TEST_F(LsqTest, FiltersOfZerosGiveAPackage) {
  FoldedNetwork network = network_;
  std::fill(network.layers[0].weights.begin(), network.layers[0].weights.end(),
            0.0f);
  for (const WeightGranularity weights :
       {WeightGranularity::kPerChannel, WeightGranularity::kPerTensor}) {
    const MethodInputs inputs = {
        network, images_, images_, images_, {.weights = weights, .epochs = 1},
        {},      {}};
    MethodResult result;
    result.network = network;
    ASSERT_OK(RunLsq(inputs, result));
    EXPECT_OK(Assemble(result.network, result.plan).status());
  }
}

TEST_F(LsqTest, ALossThatIsNotFiniteSaysWhatToDo) {
  const MethodInputs inputs = {network_,
                               images_,
                               images_,
                               images_,
                               {.epochs = 30, .learning_rate = 1e30},
                               {},
                               {}};
  MethodResult result;
  result.network = network_;
  EXPECT_THAT(RunLsq(inputs, result),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       testing::HasSubstr("lower the learning rate")));
}

TEST_F(LsqTest, RefusesTooFewImages) {
  nn::ImageSet few = RandomImages(EveryLayerArchitecture(), 8, 2);
  const MethodInputs inputs = {network_, images_, images_, few, {}, {}, {}};
  MethodResult result;
  result.network = network_;
  EXPECT_THAT(RunLsq(inputs, result),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace frostnas::quant
