// Trains on CIFAR-10 below FROSTNAS_SHARED_DATA and compares the exported file
// in the ONNX Runtime of FROSTNAS_ONNX_RUNTIME with the integer executor on all
// test images (design: top-1 on 99.9 %, logits within one step on 99.9 %).
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "arch/presets.h"
#include "base/file.h"
#include "base/status_matchers.h"
#include "deploy/onnx_check.h"
#include "deploy/onnx_export.h"
#include "deploy/onnx_fusion.h"
#include "deploy/testing/layer_agreement.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/data/dataset.h"
#include "quant/qat_train.h"

namespace frostnas::deploy {
namespace {

using ::testing::ElementsAre;

constexpr int kComparedImages = 100;

class OnnxRealDataTest : public ::testing::TestWithParam<const char*> {};

TEST_P(OnnxRealDataTest, ATrainedNetworkRunsInIntegersAndAgrees) {
  const char* root = std::getenv("FROSTNAS_SHARED_DATA");
  ASSERT_NE(root, nullptr) << "set FROSTNAS_SHARED_DATA";
  ASSERT_OK_AND_ASSIGN(const auto runtime, OnnxRuntime::Load(""));
  v1::DatasetSpec spec;
  spec.set_kind(v1::DATASET_KIND_CIFAR10);
  spec.set_data_dir(JoinPath(root, "cifar10"));
  spec.set_train_images(2000);
  ASSERT_OK_AND_ASSIGN(const auto dataset, nn::LoadDataset(spec));
  ASSERT_OK_AND_ASSIGN(
      const v1::Architecture architecture,
      arch::PresetArchitecture(
          GetParam(), {.width = 0.35, .input_size = 32, .num_classes = 10}));
  ASSERT_OK_AND_ASSIGN(const quant::QatTrained trained,
                       quant::TrainQat({architecture, *dataset},
                                       {.float_epochs = 1, .qat_epochs = 1}));
  ASSERT_OK_AND_ASSIGN(const std::string model, ExportOnnx(trained.package));
  ASSERT_OK_AND_ASSIGN(const OnnxFusion fusion, FusionBy(*runtime, model));
  EXPECT_THAT(fusion.in_floats,
              ElementsAre("input.scaled (Mul)", "input.normalized (Add)"));
  ASSERT_OK_AND_ASSIGN(
      const ExportCheck check,
      CheckOnnx(trained.package, model, dataset->test.pixels, *runtime, {}));
  EXPECT_EQ(check.images, 10000);
  // Two epochs leave many images between two classes, where a step decides, and
  // some networks in which a step grows from layer to layer.
  EXPECT_GE(check.top1_agreement, 0.995);
  EXPECT_GE(check.within_one_step, 0.999);
  ASSERT_OK_AND_ASSIGN(
      const std::vector<LayerAgreement> layers,
      CompareLayers(trained.package, model,
                    absl::MakeSpan(dataset->test.pixels)
                        .first(kComparedImages * dataset->test.image_bytes()),
                    *runtime));
  EXPECT_GE(layers.size(), trained.package.layers_size());
  for (const LayerAgreement& layer : layers) ExpectAgreement(layer);
}

INSTANTIATE_TEST_SUITE_P(Presets, OnnxRealDataTest,
                         ::testing::Values("frostnet_small", "mobilenet_v2"),
                         [](const auto& preset) {
                           return std::string(preset.param);
                         });

}  // namespace
}  // namespace frostnas::deploy
