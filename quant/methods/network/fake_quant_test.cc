#include "quant/methods/network/fake_quant.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/status_matchers.h"
#include "base/stop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/data/loader.h"
#include "nn/network.h"
#include "nn/threads.h"
#include "quant/executor.h"
#include "quant/grid.h"
#include "quant/grid_groups.h"
#include "quant/testing/architectures.h"
#include "quant/testing/float_network.h"

namespace frostnas::quant {
namespace {

using ::testing::HasSubstr;

constexpr int kImages = 64;

// A min-max plan whose grids cover what `images` give in float.
QuantizationPlan PlanFor(const FoldedNetwork& folded,
                         const nn::ImageSet& images, int bits) {
  auto network = FloatNetworkOf(folded).value();
  nn::Loader loader(images, folded.dataset, {.batch = images.count()});
  loader.StartEpoch(0);
  const nn::Tensor& input = loader.Next()->images;
  network->Forward(input, nn::Mode::kEval);
  const GridGroups groups(folded.graph);
  const int count = static_cast<int>(folded.layers.size());
  std::vector<float> low(groups.num_groups()), high(groups.num_groups());
  for (int i = arch::kGraphInput; i < count; ++i) {
    const auto values =
        i == arch::kGraphInput ? input.span() : network->layer_output(i).span();
    const auto [min, max] = std::minmax_element(values.begin(), values.end());
    low[groups.group(i)] = std::min(low[groups.group(i)], *min);
    high[groups.group(i)] = std::max(high[groups.group(i)], *max);
  }
  QuantizationPlan plan;
  const auto grid = [&](int i, int grid_bits) {
    return OutputGrid{
        ChooseGrid(low[groups.group(i)], high[groups.group(i)], grid_bits)};
  };
  plan.input = grid(arch::kGraphInput, 8);
  for (int i = 0; i < count; ++i) {
    const arch::Layer& layer = folded.graph.layers[i];
    const bool of_input = groups.group(i) == groups.group(arch::kGraphInput);
    plan.outputs.push_back(grid(i, of_input ? 8 : bits));
    plan.layers.emplace_back();
    if (!layer.has_weights()) continue;
    plan.layers[i] = RoundWeights(
        layer, folded.layers[i],
        MaxScales(layer, folded.layers[i], WeightGranularity::kPerChannel, 8),
        8);
  }
  return plan;
}

// Mean difference of the fake-quantized network's logits from the integer
// executor's, in steps of the logits' grid.
double LogitSteps(const v1::Architecture& architecture, int bits) {
  nn::SetComputeThreads(1);
  const FoldedNetwork folded =
      Fold(RandomFloatNetwork(architecture, 5)).value();
  const nn::ImageSet images = RandomImages(architecture, kImages, 9);
  const QuantizationPlan plan = PlanFor(folded, images, bits);
  auto fake = FakeQuantNetwork::Create(folded, plan).value();
  nn::Loader loader(images, folded.dataset,
                    {.batch = kImages, .shuffle = false});
  loader.StartEpoch(0);
  const nn::Tensor& logits =
      fake->network().Forward(loader.Next()->images, nn::Mode::kEval);
  auto executor = CreateOnednnExecutor(Assemble(folded, plan).value()).value();
  std::vector<float> integer(logits.elements());
  executor->Run(images.pixels, kImages, absl::MakeSpan(integer));
  double sum = 0;
  for (int64_t i = 0; i < logits.elements(); ++i) {
    sum += std::abs(logits.data()[i] - integer[i]);
  }
  return sum / logits.elements() / plan.outputs.back().grid.scale;
}

// Rounding of float sums moves single values by a step; a wrong scale, bound or
// bias moves all of them by many.
TEST(FakeQuantTest, AgreesWithTheIntegerExecutor) {
  EXPECT_LE(LogitSteps(EveryLayerArchitecture(), 8), 0.5);
  for (uint64_t seed = 0; seed < 5; ++seed) {
    EXPECT_LE(LogitSteps(RandomArchitecture(seed), 8), 0.5) << seed;
  }
}

TEST(FakeQuantTest, AgreesWhereTheNormComesAfterTheActivation) {
  EXPECT_LE(LogitSteps(NormAfterActivationArchitecture(), 8), 0.5);
}

TEST(FakeQuantTest, AgreesWithFewerBits) {
  EXPECT_LE(LogitSteps(EveryLayerArchitecture(), 5), 0.3);
  EXPECT_LE(LogitSteps(NormAfterActivationArchitecture(), 5), 0.3);
}

TEST(FakeQuantTest, AnotherPlanIsAsIfCreatedWithIt) {
  const v1::Architecture architecture = EveryLayerArchitecture();
  ASSERT_OK_AND_ASSIGN(const FoldedNetwork folded,
                       Fold(RandomFloatNetwork(architecture, 5)));
  const nn::ImageSet images = RandomImages(architecture, kImages, 9);
  const QuantizationPlan coarse = PlanFor(folded, images, 2);
  const QuantizationPlan fine = PlanFor(folded, images, 8);
  ASSERT_OK_AND_ASSIGN(const auto fake,
                       FakeQuantNetwork::Create(folded, coarse));
  ASSERT_OK(fake->SetPlan(fine));
  ASSERT_OK_AND_ASSIGN(const auto fresh,
                       FakeQuantNetwork::Create(folded, fine));
  nn::Loader loader(images, folded.dataset, {.batch = kImages});
  loader.StartEpoch(0);
  const nn::Tensor& input = loader.Next()->images;
  const nn::Tensor& a = fake->network().Forward(input, nn::Mode::kEval);
  const nn::Tensor& b = fresh->network().Forward(input, nn::Mode::kEval);
  EXPECT_TRUE(std::equal(a.span().begin(), a.span().end(), b.span().begin()));
}

TEST(FakeQuantTop1Test, RefusesNoImagesAndWrongOnes) {
  const v1::Architecture architecture = EveryLayerArchitecture();
  ASSERT_OK_AND_ASSIGN(const FoldedNetwork folded,
                       Fold(RandomFloatNetwork(architecture, 5)));
  nn::ImageSet none;
  none.size = 16;
  none.channels = 3;
  EXPECT_THAT(FloatTop1(folded, {none}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  none.size = 8;
  EXPECT_THAT(FloatTop1(folded, {none}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("16 px")));
}

TEST(FakeQuantTop1Test, StopsWhenAsked) {
  const v1::Architecture architecture = EveryLayerArchitecture();
  ASSERT_OK_AND_ASSIGN(const FoldedNetwork folded,
                       Fold(RandomFloatNetwork(architecture, 5)));
  StopSource source;
  source.RequestStop();
  EXPECT_THAT(
      FloatTop1(folded, {RandomImages(architecture, 8, 1), source.token()}),
      StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace frostnas::quant
