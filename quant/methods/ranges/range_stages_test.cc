#include "quant/methods/ranges/range_stages.h"

#include <cmath>
#include <string>
#include <vector>

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/threads.h"
#include "quant/executor.h"
#include "quant/methods/network/fake_quant.h"
#include "quant/testing/architectures.h"
#include "quant/testing/float_network.h"

namespace frostnas::quant {
namespace {

using ::testing::HasSubstr;

constexpr StageFunction kStages[] = {RunMinMax, RunPercentile, RunMse, RunKl};

class RangeStagesTest : public testing::Test {
 protected:
  RangeStagesTest() {
    nn::SetComputeThreads(1);
    folded_ = *Fold(RandomFloatNetwork(architecture_, 3));
  }

  absl::StatusOr<MethodResult> Run(StageFunction stage,
                                   const MethodOptions& options) {
    MethodResult result = {.network = folded_};
    const MethodInputs inputs = {.network = folded_,
                                 .calibration = images_,
                                 .search = images_,
                                 .train = images_,
                                 .options = options};
    const absl::Status status = stage(inputs, result);
    if (!status.ok()) return status;
    return result;
  }

  const v1::Architecture architecture_ = EveryLayerArchitecture();
  nn::ImageSet images_ = RandomImages(architecture_, 20, 4);
  FoldedNetwork folded_;
};

TEST_F(RangeStagesTest, EachGivesAPackageThatAgreesWithItsFakeQuantization) {
  for (const StageFunction stage : kStages) {
    for (const auto weights :
         {WeightGranularity::kPerChannel, WeightGranularity::kPerTensor}) {
      ASSERT_OK_AND_ASSIGN(const MethodResult result,
                           Run(stage, {.weights = weights}));
      ASSERT_OK_AND_ASSIGN(const v1::Package package,
                           Assemble(result.network, result.plan));
      ASSERT_OK_AND_ASSIGN(const auto executor, CreateOnednnExecutor(package));
      ASSERT_OK_AND_ASSIGN(const double fake,
                           FakeQuantTop1(folded_, result.plan, {images_}));
      const double integer = Top1(*executor, images_.pixels, images_.labels);
      // One image of 20 may fall on a tie.
      EXPECT_NEAR(integer, fake, 0.051);
    }
  }
}

TEST_F(RangeStagesTest, InputAndLogitsKeepTheirWholeRange) {
  ASSERT_OK_AND_ASSIGN(const MethodResult whole, Run(RunMinMax, {}));
  ASSERT_OK_AND_ASSIGN(const MethodResult narrow, Run(RunKl, {}));
  EXPECT_EQ(narrow.plan.input.grid.scale, whole.plan.input.grid.scale);
  EXPECT_EQ(narrow.plan.outputs.back().grid.scale,
            whole.plan.outputs.back().grid.scale);
  int narrower = 0;
  for (size_t i = 0; i < whole.plan.outputs.size(); ++i) {
    const float ratio =
        narrow.plan.outputs[i].grid.scale / whole.plan.outputs[i].grid.scale;
    EXPECT_LE(ratio, 1.0001f);
    narrower += ratio < 0.99f;
  }
  EXPECT_GT(narrower, 0);
}

TEST_F(RangeStagesTest, BitsAreThoseAskedFor) {
  ASSERT_OK_AND_ASSIGN(const MethodResult result,
                       Run(RunMse, {.weight_bits = 3, .activation_bits = 5}));
  EXPECT_EQ(result.plan.input.grid.qmax, 255);
  for (size_t i = 0; i < result.plan.layers.size(); ++i) {
    EXPECT_EQ(result.plan.outputs[i].grid.qmax, 31);
    EXPECT_EQ(result.bits[i].activation, 5);
    for (const int8_t q : result.plan.layers[i].weights) {
      EXPECT_LE(std::abs(q), 3);
    }
  }
  EXPECT_OK(Assemble(result.network, result.plan).status());
}

TEST_F(RangeStagesTest, ANetworkOfZerosIsSound) {
  for (FoldedLayer& layer : folded_.layers) {
    std::fill(layer.weights.begin(), layer.weights.end(), 0.0f);
    std::fill(layer.bias.begin(), layer.bias.end(), 0.0f);
  }
  for (const StageFunction stage : kStages) {
    ASSERT_OK_AND_ASSIGN(const MethodResult result, Run(stage, {}));
    ASSERT_OK_AND_ASSIGN(const v1::Package package,
                         Assemble(result.network, result.plan));
    ASSERT_OK_AND_ASSIGN(const auto executor, CreateOnednnExecutor(package));
    std::vector<float> logits(20 * 10);
    executor->Run(images_.pixels, 20, absl::MakeSpan(logits));
    EXPECT_THAT(logits, testing::Each(0.0f));
  }
}

TEST_F(RangeStagesTest, NoImagesAreRefused) {
  images_.labels.clear();
  images_.pixels.clear();
  for (const StageFunction stage : kStages) {
    EXPECT_THAT(Run(stage, {}).status(),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("at least one")));
  }
}

}  // namespace
}  // namespace frostnas::quant
