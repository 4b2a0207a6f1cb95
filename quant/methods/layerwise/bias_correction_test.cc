#include "quant/methods/layerwise/bias_correction.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/status_matchers.h"
#include "gtest/gtest.h"
#include "nn/network.h"
#include "nn/threads.h"
#include "quant/methods/network/fake_quant.h"
#include "quant/methods/network/patches.h"
#include "quant/methods/ranges/batches.h"
#include "quant/methods/ranges/range_stages.h"
#include "quant/testing/architectures.h"
#include "quant/testing/float_network.h"

namespace frostnas::quant {
namespace {

TEST(ExpectedReluTest, MatchesHandComputedValues) {
  // N(0.5) + 0.5 Phi(0.5) = 0.35207 + 0.5 * 0.69146.
  EXPECT_NEAR(ExpectedRelu(0.5, 1), 0.69780, 5e-6);
  // 1 / sqrt(2 pi), and twice that.
  EXPECT_NEAR(ExpectedRelu(0, 1), 0.398942, 1e-6);
  EXPECT_NEAR(ExpectedRelu(0, 2), 0.797885, 1e-6);
  EXPECT_NEAR(ExpectedRelu(50, 1), 50, 1e-9);
  EXPECT_NEAR(ExpectedRelu(-50, 1), 0, 1e-9);
}

TEST(ExpectedReluTest, Relu6IsTheIntegralOfItsDefinition) {
  for (const double mean : {-2.0, 0.5, 3.0, 7.0}) {
    for (const double deviation : {0.5, 2.0}) {
      double sum = 0, mass = 0;
      for (double z = -8; z < 8; z += 1e-3) {
        const double density = std::exp(-z * z / 2);
        mass += density;
        sum += density * std::clamp(mean + deviation * z, 0.0, 6.0);
      }
      EXPECT_NEAR(ExpectedRelu6(mean, deviation), sum / mass, 1e-5);
    }
  }
  EXPECT_NEAR(ExpectedRelu6(3, 1), 3, 1e-9);  // symmetric
}

arch::Layer ConvLayer(arch::LayerKind kind, int channels) {
  arch::Layer layer;
  layer.name = "conv";
  layer.kind = kind;
  layer.inputs = {arch::kGraphInput};
  layer.in = layer.out = {.size = 2, .channels = channels};
  layer.kernel = 3;
  return layer;
}

// A 2 x 2 image 1 2 / 3 4 under a padded 3 x 3 kernel: the middle sees the mean
// 2.5; the kernel's left column sees 1 and 3 from the right half of positions,
// so (1 + 3) / 4 in the middle row; a corner one value in four positions.
TEST(PatchMeanTest, CountsPaddingAsZeros) {
  PatchMean mean(ConvLayer(arch::LayerKind::kConv, 1));
  nn::Tensor src({1, 2, 2, 1});
  std::copy_n(std::vector<float>{1, 2, 3, 4}.begin(), 4, src.data());
  mean.Add(src);
  mean.Add(src);  // a second image changes nothing
  EXPECT_EQ(mean.mean(),
            (std::vector<double>{0.25, 0.75, 0.5, 1, 2.5, 1.5, 0.75, 1.75, 1}));
}

TEST(MeanOutputTest, DepthwiseFiltersReadTheirOwnChannel) {
  const arch::Layer layer = ConvLayer(arch::LayerKind::kDepthwise, 2);
  std::vector<float> weights(18, 0.0f);
  std::vector<double> patch(18, 0.0);
  weights[2 * 4] = 2;  // channel 0's middle
  weights[2 * 4 + 1] = 3;
  weights[1] = 1;  // channel 1's corner
  patch[2 * 4] = 10;
  patch[2 * 4 + 1] = 100;
  patch[1] = 7;
  EXPECT_EQ(MeanOutput(layer, weights, patch), (std::vector<double>{20, 307}));
}

// Mean logit by class, of the float network or, with a plan, of the quantized.
std::vector<double> MeanLogits(nn::Network& network,
                               const CalibrationImages& images) {
  std::vector<double> means;
  EXPECT_OK(ForEachBatch(images, {}, [&](const nn::Tensor& batch) {
    const nn::Tensor& logits = network.Forward(batch, nn::Mode::kEval);
    const int classes = logits.shape().c;
    means.resize(classes);
    for (int64_t i = 0; i < logits.elements(); ++i) {
      means[i % classes] += logits.data()[i] / images.images.count();
    }
  }));
  return means;
}

double LargestDifference(const std::vector<double>& a,
                         const std::vector<double>& b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a[i] - b[i]));
  }
  return largest;
}

TEST(BiasCorrectionTest, GivesLogitsTheirMeansBack) {
  nn::SetComputeThreads(1);
  const v1::Architecture architecture = EveryLayerArchitecture();
  const nn::ImageSet images = RandomImages(architecture, 32, 5);
  ASSERT_OK_AND_ASSIGN(const FoldedNetwork folded,
                       Fold(RandomFloatNetwork(architecture, 6)));
  const MethodInputs inputs = {
      .network = folded,
      .calibration = images,
      .search = images,
      .train = images,
      .options = {.weights = WeightGranularity::kPerTensor, .weight_bits = 4}};
  MethodResult result = {.network = folded};
  ASSERT_OK(RunMinMax(inputs, result));
  const CalibrationImages calibration = {images, folded.dataset};
  ASSERT_OK_AND_ASSIGN(const auto network, FloatNetworkOf(folded));
  const std::vector<double> exact = MeanLogits(*network, calibration);
  ASSERT_OK_AND_ASSIGN(const auto fake,
                       FakeQuantNetwork::Create(folded, result.plan));
  const double before =
      LargestDifference(exact, MeanLogits(fake->network(), calibration));
  ASSERT_OK(RunBiasCorrection(inputs, result));
  ASSERT_OK(fake->SetPlan(result.plan));
  const double after =
      LargestDifference(exact, MeanLogits(fake->network(), calibration));
  // What is left is rounding on the grid of logits.
  const double step = result.plan.outputs.back().grid.scale;
  EXPECT_LT(after, step);
  EXPECT_GT(before, 5 * after);
}

}  // namespace
}  // namespace frostnas::quant
