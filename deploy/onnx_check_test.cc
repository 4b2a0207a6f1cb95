// Runs exported files in the ONNX Runtime that FROSTNAS_ONNX_RUNTIME names.
#include "deploy/onnx_check.h"

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/status_matchers.h"
#include "deploy/onnx_export.h"
#include "deploy/onnx_fusion.h"
#include "deploy/testing/layer_agreement.h"
#include "deploy/testing/packages.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "quant/testing/architectures.h"

namespace frostnas::deploy {
namespace {

using ::testing::_;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

std::vector<uint8_t> RandomPixels(const v1::Package& package, int images) {
  const v1::Architecture& network = package.architecture();
  std::vector<uint8_t> pixels(network.input_size() * network.input_size() *
                              network.input_channels() * images);
  Random random(5);
  for (uint8_t& pixel : pixels) {
    pixel = static_cast<uint8_t>(random.UniformInt(256));
  }
  return pixels;
}

class OnnxCheckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto runtime = OnnxRuntime::Load("");
    ASSERT_OK(runtime);
    runtime_ = *std::move(runtime);
  }

  void ExpectLayersAgree(const v1::Package& package, const std::string& model) {
    ASSERT_OK_AND_ASSIGN(
        const std::vector<LayerAgreement> layers,
        CompareLayers(package, model, RandomPixels(package, 20), *runtime_));
    for (const LayerAgreement& layer : layers) ExpectAgreement(layer);
  }

  std::unique_ptr<OnnxRuntime> runtime_;
};

TEST_F(OnnxCheckTest, TheLayerThatDiffersIsFound) {
  const v1::Package package = HandMadePackage();
  v1::Package other = package;
  for (int32_t& bias : *other.mutable_layers(0)->mutable_bias()) bias += 4000;
  ASSERT_OK_AND_ASSIGN(const std::string model, ExportOnnx(other));
  ASSERT_OK_AND_ASSIGN(
      const std::vector<LayerAgreement> layers,
      CompareLayers(package, model, RandomPixels(package, 3), *runtime_));
  for (const LayerAgreement& layer : layers) {
    EXPECT_EQ(layer.different > 0, layer.name == "b1.conv") << layer.name;
  }
}

// The networks' values are uncorrelated, so that no layer's mistake hides.
TEST_F(OnnxCheckTest, EveryLayerGivesTheExecutorsBits) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const v1::Package package =
        RandomPackage(seed == 1 ? quant::EveryLayerArchitecture()
                                : quant::RandomArchitecture(seed),
                      seed);
    ASSERT_OK_AND_ASSIGN(const std::string model, ExportOnnx(package));
    ASSERT_OK_AND_ASSIGN(
        const ExportCheck check,
        CheckOnnx(package, model, RandomPixels(package, 70), *runtime_, {}));
    EXPECT_EQ(check.images, 70);
    EXPECT_THAT(check.runtime, StartsWith("ONNX Runtime 1."));
    // One value in 10^5 may differ by a step in the executor.
    EXPECT_GE(check.within_one_step, 0.995) << seed;
    EXPECT_GE(check.top1_agreement, 0.98) << seed;
    ExpectLayersAgree(package, model);
  }
}

TEST_F(OnnxCheckTest, BoundsGiveTheExecutorsBitsToo) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const v1::Architecture architecture =
        seed == 1 ? quant::NormAfterActivationArchitecture()
                  : quant::RandomArchitecture(seed);
    const v1::Package package = RandomBoundedPackage(architecture, seed);
    ASSERT_OK_AND_ASSIGN(const std::string model, ExportOnnx(package));
    ASSERT_OK_AND_ASSIGN(
        const ExportCheck check,
        CheckOnnx(package, model, RandomPixels(package, 70), *runtime_, {}));
    EXPECT_GE(check.within_one_step, 0.995) << seed;
    EXPECT_GE(check.top1_agreement, 0.98) << seed;
    ExpectLayersAgree(package, model);
  }
}

TEST_F(OnnxCheckTest, EveryOperatorButTheNormalisationRunsInIntegers) {
  // Without the ReLU6 of less than its grid's range, which is a Clip in floats.
  v1::Architecture architecture = quant::EveryLayerArchitecture();
  for (v1::Block& block : *architecture.mutable_blocks()) {
    if (!block.has_inverted_residual()) continue;
    block.mutable_inverted_residual()->set_activation(v1::ACTIVATION_RELU);
  }
  ASSERT_OK_AND_ASSIGN(const std::string model,
                       ExportOnnx(RandomPackage(architecture, 3)));
  ASSERT_OK_AND_ASSIGN(const OnnxFusion fusion, FusionBy(*runtime_, model));
  EXPECT_THAT(fusion.in_floats,
              ElementsAre("input.scaled (Mul)", "input.normalized (Add)"));
  EXPECT_THAT(fusion.operators,
              AllOf(Not(Contains(Pair("Conv", _))),
                    Contains(Pair("QLinearConv", Gt(10))),
                    Contains(Pair("QLinearAdd", Gt(0))),
                    Contains(Pair("QLinearConcat", Gt(0))),
                    Contains(Pair("QLinearGlobalAveragePool", 1)),
                    Contains(Pair("QGemm", 1))));
}

TEST_F(OnnxCheckTest, AClippedConvolutionIsIntegersToo) {
  ASSERT_OK_AND_ASSIGN(
      const std::string model,
      ExportOnnx(RandomPackage(quant::EveryLayerArchitecture(), 1)));
  ASSERT_OK_AND_ASSIGN(const OnnxFusion fusion, FusionBy(*runtime_, model));
  EXPECT_EQ(fusion.operators.count("Conv"), 0);
  EXPECT_EQ(fusion.operators.count("FusedConv"), 0);
}

TEST_F(OnnxCheckTest, AnotherPackagesFileDoesNotAgree) {
  const v1::Package package = HandMadePackage();
  v1::Package other = package;
  for (int32_t& bias : *other.mutable_layers(2)->mutable_bias()) bias += 4000;
  ASSERT_OK_AND_ASSIGN(const std::string model, ExportOnnx(other));
  ASSERT_OK_AND_ASSIGN(
      const ExportCheck check,
      CheckOnnx(package, model, RandomPixels(package, 3), *runtime_, {}));
  EXPECT_LT(check.within_one_step, 1);
  EXPECT_GT(check.max_abs_logit_diff, 1.5 * 0.125);
}

TEST_F(OnnxCheckTest, WhatIsNoModelIsRefused) {
  const v1::Package package = HandMadePackage();
  EXPECT_THAT(
      CheckOnnx(package, "no model", RandomPixels(package, 1), *runtime_, {}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr(runtime_->version())));
}

TEST_F(OnnxCheckTest, PixelsAreWholeImages) {
  const v1::Package package = HandMadePackage();
  ASSERT_OK_AND_ASSIGN(const std::string model, ExportOnnx(package));
  std::vector<uint8_t> pixels = RandomPixels(package, 2);
  pixels.pop_back();
  EXPECT_THAT(CheckOnnx(package, model, pixels, *runtime_, {}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckOnnx(package, model, {}, *runtime_, {}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(OnnxCheckTest, AStopEndsTheCheck) {
  const v1::Package package = HandMadePackage();
  ASSERT_OK_AND_ASSIGN(const std::string model, ExportOnnx(package));
  StopSource stop;
  stop.RequestStop();
  EXPECT_THAT(CheckOnnx(package, model, RandomPixels(package, 1), *runtime_,
                        {.stop = stop.token()}),
              StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace frostnas::deploy
