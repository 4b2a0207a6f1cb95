#include "quant/methods/noise.h"

#include <cmath>
#include <vector>

#include "base/status_matchers.h"
#include "gtest/gtest.h"
#include "nn/threads.h"
#include "quant/layer_tensors.h"
#include "quant/methods/ranges/range_stages.h"
#include "quant/testing/architectures.h"
#include "quant/testing/float_network.h"

namespace frostnas::quant {
namespace {

TEST(NoiseMeterTest, MatchesTheFormulaByHand) {
  NoiseMeter meter;
  meter.Add(3, 3.1);
  meter.Add(-4, -4.2);
  // 10 log10((9 + 16) / (0.01 + 0.04)) = 10 log10(500).
  EXPECT_NEAR(meter.sqnr_db(), 26.9897, 1e-4);
}

TEST(NoiseMeterTest, IsFiniteWithoutNoiseOrSignal) {
  NoiseMeter meter;
  EXPECT_EQ(meter.sqnr_db(), kMaxSqnrDb);
  meter.Add(1, 1);
  EXPECT_EQ(meter.sqnr_db(), kMaxSqnrDb);
  NoiseMeter silent;
  silent.Add(0, 1);
  EXPECT_EQ(silent.sqnr_db(), -kMaxSqnrDb);
}

TEST(OutlierRatioTest, ComparesTheLargestWithTheMedian) {
  EXPECT_DOUBLE_EQ(OutlierRatio({{-1, 2, -50}}), 25);
  EXPECT_DOUBLE_EQ(OutlierRatio({{1, -2, 4, 30}}), 10);
  EXPECT_DOUBLE_EQ(OutlierRatio({{0, 0, 0, 2, -8}}), 4);
  EXPECT_DOUBLE_EQ(OutlierRatio({{0, 0}}), 1);
  EXPECT_DOUBLE_EQ(OutlierRatio({}), 1);
}

std::vector<LayerNoise> NoiseOf(const FoldedNetwork& folded,
                                const nn::ImageSet& images,
                                const MethodOptions& options) {
  const MethodInputs inputs = {.network = folded,
                               .calibration = images,
                               .search = images,
                               .train = images,
                               .options = options};
  MethodResult result = {.network = folded};
  EXPECT_OK(RunMinMax(inputs, result));
  const auto noise =
      AnalyzeNoise(folded, result.plan, {images, folded.dataset, 8}, {});
  EXPECT_OK(noise.status());
  return noise.ok() ? *noise : std::vector<LayerNoise>();
}

TEST(AnalyzeNoiseTest, EachBitOfWeightsIsSixDecibels) {
  nn::SetComputeThreads(1);
  const v1::Architecture architecture = EveryLayerArchitecture();
  const nn::ImageSet images = RandomImages(architecture, 20, 5);
  ASSERT_OK_AND_ASSIGN(const FoldedNetwork folded,
                       Fold(RandomFloatNetwork(architecture, 6)));
  const auto eight = NoiseOf(folded, images, {.weight_bits = 8});
  const auto five = NoiseOf(folded, images, {.weight_bits = 5});
  ASSERT_EQ(eight.size(), folded.layers.size());
  for (size_t i = 0; i < eight.size(); ++i) {
    EXPECT_EQ(eight[i].name, folded.graph.layers[i].name);
    EXPECT_GT(eight[i].activation_db, 15) << eight[i].name;
    if (!folded.graph.layers[i].has_weights()) {
      EXPECT_EQ(eight[i].weight_db, kMaxSqnrDb);
      continue;
    }
    // Steps of 1 / 127 and 1 / 15: 18.6 dB.
    EXPECT_NEAR(eight[i].weight_db - five[i].weight_db, 18.6, 3);
    EXPECT_GE(eight[i].outlier_ratio, 1);
  }
  EXPECT_GT(eight.back().activation_db, five.back().activation_db + 6);
}

// A channel that was always zero in training: its norm's variance is 0, the
// factor 1 / sqrt(epsilon), and the folded weights stretch the tensor's scale.
TEST(AnalyzeNoiseTest, ShowsChannelsWithoutVarianceAndTheirTreatment) {
  nn::SetComputeThreads(1);
  const v1::Architecture architecture = EveryLayerArchitecture();
  const nn::ImageSet images = RandomImages(architecture, 8, 5);
  v1::FloatNetwork trained = RandomFloatNetwork(architecture, 6);
  const std::string layer =
      arch::ExpandArchitecture(architecture)->layers[0].name;
  std::vector<float> variance = GetTensor(trained, layer + ".var");
  std::vector<float> gamma = GetTensor(trained, layer + ".gamma");
  variance[1] = 0;
  gamma[1] = 1;
  SetTensor(layer + ".var", variance, trained);
  SetTensor(layer + ".gamma", gamma, trained);
  ASSERT_OK_AND_ASSIGN(const FoldedNetwork plain, Fold(trained));
  ASSERT_OK_AND_ASSIGN(const FoldedNetwork treated,
                       Fold(trained, {.min_variance = 1e-12}));
  const MethodOptions per_tensor = {.weights = WeightGranularity::kPerTensor};
  const LayerNoise before = NoiseOf(plain, images, per_tensor)[0];
  const LayerNoise after = NoiseOf(treated, images, per_tensor)[0];
  EXPECT_GT(before.outlier_ratio, 10 * after.outlier_ratio);
}

}  // namespace
}  // namespace frostnas::quant
