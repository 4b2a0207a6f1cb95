#include "quant/methods/measured_method.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/threads.h"
#include "quant/executor.h"
#include "quant/methods/network/fake_quant.h"
#include "quant/methods/ranges/range_stages.h"
#include "quant/package.h"
#include "quant/testing/architectures.h"
#include "quant/testing/float_network.h"

namespace frostnas::quant {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::Status Annotate(const MethodInputs&, MethodResult& result) {
  result.notes.push_back("Told.");
  return absl::OkStatus();
}
absl::Status SpoilWeights(const MethodInputs&, MethodResult& result) {
  result.plan.layers[0].scale[0] = -1;
  return absl::OkStatus();
}

constexpr Stage kStages[] = {
    {"plain", StageKind::kRanges, "", RunMinMax},
    {"told", StageKind::kCorrection, "", Annotate},
    {"spoilt", StageKind::kCorrection, "", SpoilWeights},
};

class MeasureMethodTest : public testing::Test {
 protected:
  MeasureMethodTest() { nn::SetComputeThreads(1); }

  absl::StatusOr<MeasuredMethod> Measure(const std::string& name) {
    return MeasureMethod(ParseMethod(name, kStages).value(), inputs_,
                         {test_, 0.25});
  }

  const v1::Architecture architecture_ = EveryLayerArchitecture();
  const FoldedNetwork folded_ =
      Fold(RandomFloatNetwork(architecture_, 1)).value();
  const nn::ImageSet images_ = RandomImages(architecture_, 70, 1);
  nn::ImageSet test_ = RandomImages(architecture_, 700, 2);
  MethodInputs inputs_ = {folded_, images_, images_, images_, {}, {}, {}};
};

// 700 images are more than one report's worth and no whole number of batches.
TEST_F(MeasureMethodTest, SharesAreThoseOfThePlanAndOfThePackage) {
  ASSERT_OK_AND_ASSIGN(const MeasuredMethod measured, Measure("plain"));
  EXPECT_EQ(measured.report.float_top1, 0.25);
  ASSERT_OK_AND_ASSIGN(const auto executor,
                       CreateOnednnExecutor(measured.package));
  EXPECT_NEAR(measured.report.int8_top1,
              Top1(*executor, test_.pixels, test_.labels), 1e-12);
  ASSERT_OK_AND_ASSIGN(
      const MethodResult again,
      RunMethod(ParseMethod("plain", kStages).value(), inputs_));
  EXPECT_THAT(FakeQuantTop1(again.network, again.plan, {test_}),
              IsOkAndHolds(measured.report.fake_quant_top1));
  EXPECT_EQ(measured.package.fake_quant_top1(),
            measured.report.fake_quant_top1);
}

TEST_F(MeasureMethodTest, LayersAreThoseOfTheGraph) {
  ASSERT_OK_AND_ASSIGN(const MeasuredMethod measured, Measure("told"));
  const MethodReport& report = measured.report;
  EXPECT_THAT(report.notes, ElementsAre("Told."));
  ASSERT_EQ(report.layers.size(), folded_.graph.layers.size());
  for (size_t i = 0; i < report.layers.size(); ++i) {
    const LayerReport& layer = report.layers[i];
    EXPECT_EQ(layer.name, folded_.graph.layers[i].name);
    EXPECT_EQ(layer.weights, folded_.layers[i].weights.size());
    EXPECT_EQ(layer.output.scale,
              measured.package.layers(static_cast<int>(i)).output().scale());
    EXPECT_GT(layer.output_sqnr_db, 10) << layer.name;
    EXPECT_LE(layer.least_weight_scale, layer.largest_weight_scale);
  }
  // Biases of 32 bits instead of 8, everything else as the baseline.
  EXPECT_EQ(report.saving.multiplications, 0);
  EXPECT_EQ(report.cost.biases_kb, 4 * report.eight_bit_cost.biases_kb);
  EXPECT_LT(report.saving.memory, 0);
}

TEST_F(MeasureMethodTest, ProgressOnlyRises) {
  double last = 0;
  int reports = 0;
  inputs_.progress = [&](double done, const std::string& what) {
    EXPECT_GE(done, last) << what;
    EXPECT_LE(done, 1) << what;
    last = done;
    ++reports;
  };
  ASSERT_OK(Measure("plain"));
  EXPECT_GT(reports, 4);
}

TEST_F(MeasureMethodTest, APlanThatIsNoneIsRefused) {
  EXPECT_THAT(Measure("spoilt"), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("scale[0] is -1")));
}

}  // namespace
}  // namespace frostnas::quant
