#include "quant/methods/method.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/status_matchers.h"
#include "base/stop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "quant/methods/registry.h"
#include "quant/testing/architectures.h"
#include "quant/testing/float_network.h"

namespace frostnas::quant {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::Status Note(const MethodInputs& inputs, MethodResult& result) {
  inputs.Report(0.5, "half");
  result.notes.push_back("noted");
  return absl::OkStatus();
}
absl::Status Fail(const MethodInputs&, MethodResult&) {
  return absl::FailedPreconditionError("it went wrong");
}

constexpr Stage kStages[] = {
    {"transform", StageKind::kTransform, "", Note},
    {"other", StageKind::kTransform, "", Note},
    {"plain", StageKind::kRanges, "", Note},
    {"clever", StageKind::kRanges, "", Note},
    {"round", StageKind::kRounding, "", Note},
    {"correct", StageKind::kCorrection, "", Note},
    {"whole", StageKind::kWhole, "", Note},
    {"failing", StageKind::kWhole, "", Fail},
};

std::vector<std::string> StagesOf(absl::string_view name) {
  const absl::StatusOr<Method> method = ParseMethod(name, kStages);
  if (!method.ok()) return {std::string(method.status().message())};
  std::vector<std::string> names;
  for (const Stage& stage : method->stages) names.emplace_back(stage.name);
  return names;
}

TEST(ParseMethodTest, JoinsStages) {
  EXPECT_THAT(StagesOf("plain"), ElementsAre("plain"));
  EXPECT_THAT(StagesOf("transform+other+clever+round+correct"),
              ElementsAre("transform", "other", "clever", "round", "correct"));
  EXPECT_THAT(StagesOf("transform+whole"), ElementsAre("transform", "whole"));
}

TEST(ParseMethodTest, RangesDefaultToTheFirst) {
  EXPECT_THAT(StagesOf("transform"), ElementsAre("transform", "plain"));
  EXPECT_THAT(StagesOf("correct"), ElementsAre("plain", "correct"));
  EXPECT_THAT(StagesOf("transform+round+correct"),
              ElementsAre("transform", "plain", "round", "correct"));
  EXPECT_THAT(StagesOf("whole"), ElementsAre("whole"));
}

TEST(ParseMethodTest, RefusesOtherOrdersAndNames) {
  for (const char* wrong :
       {"plain+transform", "plain+clever", "correct+round", "plain+whole",
        "whole+correct", "transform+transform", "plain+plain"}) {
    EXPECT_THAT(ParseMethod(wrong, kStages),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("cannot follow")))
        << wrong;
  }
  for (const char* wrong : {"", "plain+", "magic", "plain,round"}) {
    EXPECT_THAT(ParseMethod(wrong, kStages),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("there are transform, other, plain")))
        << wrong;
  }
}

TEST(RegistryTest, EveryStageIsAMethod) {
  for (const Stage& stage : AllStages()) {
    EXPECT_OK(ParseMethod(stage.name, AllStages()));
    EXPECT_FALSE(stage.what.empty()) << stage.name;
  }
  for (absl::string_view name : ComparedMethods()) {
    EXPECT_OK(ParseMethod(name, AllStages()));
  }
}

class RunMethodTest : public testing::Test {
 protected:
  absl::StatusOr<MethodResult> Run(const std::string& name) {
    return RunMethod(ParseMethod(name, kStages).value(), inputs_);
  }

  const v1::Architecture architecture_ = EveryLayerArchitecture();
  const FoldedNetwork folded_ =
      Fold(RandomFloatNetwork(architecture_, 1)).value();
  nn::ImageSet images_ = RandomImages(architecture_, 4, 1);
  MethodInputs inputs_ = {folded_, images_, images_, images_, {}, {}, {}};
};

TEST_F(RunMethodTest, RunsEachStageAndReportsItsShare) {
  std::vector<std::string> reports;
  inputs_.progress = [&](double done, const std::string& what) {
    reports.push_back(absl::StrCat(done, " ", what));
  };
  ASSERT_OK_AND_ASSIGN(const MethodResult result, Run("transform+plain"));
  EXPECT_THAT(result.notes, ElementsAre("noted", "noted"));
  EXPECT_THAT(reports, ElementsAre("0.25 transform: half", "0.75 plain: half"));
  EXPECT_EQ(result.bits.size(), folded_.layers.size());
  EXPECT_EQ(result.network.layers[0].weights, folded_.layers[0].weights);
}

TEST_F(RunMethodTest, ErrorsNameTheStage) {
  EXPECT_THAT(Run("failing"), StatusIs(absl::StatusCode::kFailedPrecondition,
                                       "failing: it went wrong"));
}

TEST_F(RunMethodTest, RefusesOptionsOutOfRange) {
  inputs_.options.weight_bits = 9;
  EXPECT_THAT(Run("plain"), StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr("weight_bits")));
  inputs_.options = {.max_accuracy_loss = -0.1};
  EXPECT_THAT(Run("plain"), StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr("max_accuracy_loss")));
}

TEST_F(RunMethodTest, RefusesImagesThatDoNotFit) {
  images_.size = 8;
  EXPECT_THAT(Run("plain"), StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr("takes 16 px")));
  images_ = {};
  EXPECT_THAT(Run("plain"), StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr("no calibration images")));
}

TEST_F(RunMethodTest, StopsBetweenStages) {
  StopSource source;
  source.RequestStop();
  inputs_.stop = source.token();
  EXPECT_THAT(Run("plain"), StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace frostnas::quant
