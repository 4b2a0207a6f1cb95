#include "quant/methods/learned/fat.h"

#include <cmath>
#include <limits>
#include <string>

#include "base/status_matchers.h"
#include "base/stop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/threads.h"
#include "quant/methods/ranges/range_stages.h"
#include "quant/testing/architectures.h"
#include "quant/testing/float_network.h"

namespace frostnas::quant {
namespace {

using ::testing::HasSubstr;

class FatTest : public testing::Test {
 protected:
  FatTest() : images_(RandomImages(EveryLayerArchitecture(), 64, 2)) {
    nn::SetComputeThreads(1);
  }

  static FoldedNetwork RandomNetwork(const v1::Architecture& architecture) {
    return Fold(RandomFloatNetwork(architecture, 1)).value();
  }
  MethodInputs InputsOf(const FoldedNetwork& network,
                        const MethodOptions& options) const {
    return {network, images_, images_, images_, options, {}, {}};
  }
  static MethodResult Start(const FoldedNetwork& network) {
    MethodResult result;
    result.network = network;
    return result;
  }

  const nn::ImageSet images_;
};

// The stages' packages, byte for byte.
TEST_F(FatTest, UntrainedThresholdsAreMinMax) {
  for (const v1::Architecture& architecture :
       {EveryLayerArchitecture(), NormAfterActivationArchitecture()}) {
    const FoldedNetwork network = RandomNetwork(architecture);
    for (const WeightGranularity weights :
         {WeightGranularity::kPerChannel, WeightGranularity::kPerTensor}) {
      const MethodInputs inputs = InputsOf(network, {.weights = weights});
      MethodResult minmax = Start(network);
      ASSERT_OK(RunMinMax(inputs, minmax));
      ASSERT_OK_AND_ASSIGN(
          const auto learned,
          WithThresholds(inputs, network, ThresholdKind::kAsymmetric));
      ASSERT_OK_AND_ASSIGN(const v1::Package wanted,
                           Assemble(network, minmax.plan));
      ASSERT_OK_AND_ASSIGN(const v1::Package actual,
                           Assemble(network, learned->Plan()));
      EXPECT_EQ(actual.SerializeAsString(), wanted.SerializeAsString());
    }
  }
}

TEST_F(FatTest, TrainingBringsLogitsNearerWithoutLabels) {
  const FoldedNetwork network = RandomNetwork(EveryLayerArchitecture());
  // Few bits, so that there is something to win.
  MethodInputs inputs =
      InputsOf(network, {.weight_bits = 4, .activation_bits = 5, .epochs = 6});
  for (const auto stage : {RunFat, RunFatSymmetric}) {
    MethodResult result = Start(network);
    ASSERT_OK(stage(inputs, result));
    ASSERT_EQ(result.notes.size(), 1);
    EXPECT_THAT(result.notes[0], HasSubstr("50 images without labels"));
    EXPECT_THAT(result.notes[0], testing::Not(HasSubstr("are kept")));
    EXPECT_OK(Assemble(result.network, result.plan).status());
    EXPECT_EQ(result.bits[0].weights, 4);
    EXPECT_EQ(result.bits[0].activation, 5);
    // Only scales were trained.
    EXPECT_EQ(result.network.layers[0].weights, network.layers[0].weights);

    nn::ImageSet mislabelled = images_;
    for (int32_t& label : mislabelled.labels) label = 0;
    const MethodInputs without = {
        network, mislabelled, mislabelled, mislabelled, inputs.options, {}, {}};
    MethodResult again = Start(network);
    ASSERT_OK(stage(without, again));
    EXPECT_EQ(Assemble(again.network, again.plan)->SerializeAsString(),
              Assemble(result.network, result.plan)->SerializeAsString());
  }
}

TEST_F(FatTest, TrainsWhereTheNormComesAfterTheActivation) {
  const FoldedNetwork network =
      RandomNetwork(NormAfterActivationArchitecture());
  const MethodInputs inputs =
      InputsOf(network, {.weight_bits = 4, .activation_bits = 5, .epochs = 2});
  MethodResult result = Start(network);
  ASSERT_OK(RunFat(inputs, result));
  EXPECT_OK(Assemble(result.network, result.plan).status());
}

TEST_F(FatTest, RescalesFirstWhereAsked) {
  const FoldedNetwork network = RandomNetwork(EveryLayerArchitecture());
  const MethodInputs inputs = InputsOf(network, {.rescale = true, .epochs = 1});
  MethodResult result = Start(network);
  ASSERT_OK(RunFat(inputs, result));
  ASSERT_EQ(result.notes.size(), 2);
  EXPECT_THAT(result.notes[0], HasSubstr("Rescaled"));
  EXPECT_OK(Assemble(result.network, result.plan).status());
}

TEST_F(FatTest, FiltersOfZerosAndDeadChannelsStayFinite) {
  FoldedNetwork network = RandomNetwork(EveryLayerArchitecture());
  for (FoldedLayer& layer : network.layers) {
    std::fill(layer.weights.begin(), layer.weights.end(), 0.0f);
  }
  const MethodInputs inputs = InputsOf(network, {.epochs = 1});
  MethodResult result = Start(network);
  ASSERT_OK(RunFat(inputs, result));
  EXPECT_OK(Assemble(result.network, result.plan).status());
}

TEST_F(FatTest, RefusesWhatItCannotUse) {
  FoldedNetwork network = RandomNetwork(EveryLayerArchitecture());
  nn::ImageSet none = images_;
  none.pixels.clear();
  none.labels.clear();
  MethodResult result = Start(network);
  EXPECT_THAT(RunFat({network, none, images_, images_, {}, {}, {}}, result),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      RunFat({network, images_, images_, none, {}, {}, {}}, result),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no images")));
  StopSource stop;
  stop.RequestStop();
  EXPECT_THAT(RunFat({network, images_, images_, images_, {}, stop.token(), {}},
                     result),
              StatusIs(absl::StatusCode::kCancelled));
  network.layers[0].weights[0] = std::numeric_limits<float>::quiet_NaN();
  result.network = network;
  EXPECT_THAT(RunFat(InputsOf(network, {}), result),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace frostnas::quant
