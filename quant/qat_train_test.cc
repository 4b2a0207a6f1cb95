#include "quant/qat_train.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "arch/graph.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/data/dataset.h"
#include "nn/data/loader.h"
#include "nn/network.h"
#include "nn/threads.h"
#include "quant/executor.h"
#include "quant/package.h"

namespace frostnas::quant {
namespace {

using ::testing::HasSubstr;

// A stem, one bottleneck and a classifier at 32 px.
v1::Architecture TinyArchitecture() {
  v1::Architecture architecture;
  architecture.set_input_size(32);
  architecture.set_input_channels(3);
  architecture.set_num_classes(10);
  v1::Block& stem = *architecture.add_blocks();
  stem.set_name("stem");
  stem.mutable_conv()->set_out_channels(16);
  stem.mutable_conv()->set_kernel(3);
  stem.mutable_conv()->set_stride(2);
  stem.mutable_conv()->set_activation(v1::ACTIVATION_RELU);
  v1::Block& body = *architecture.add_blocks();
  body.set_name("body");
  body.mutable_frost()->set_out_channels(16);
  body.mutable_frost()->set_kernel(3);
  body.mutable_frost()->set_stride(2);
  body.mutable_frost()->set_expansion(3);
  body.mutable_frost()->set_reduction(2);
  v1::Block& top = *architecture.add_blocks();
  top.set_name("top");
  top.mutable_classifier()->set_pool(v1::GLOBAL_POOL_AVERAGE);
  return architecture;
}

class TrainQatTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    nn::SetComputeThreads(1);
    v1::DatasetSpec spec;
    spec.set_kind(v1::DATASET_KIND_SYNTHETIC);
    spec.set_seed(1);
    spec.set_train_images(1000);
    spec.set_test_images(500);
    dataset_ = nn::LoadDataset(spec).value();
  }
  static void TearDownTestSuite() { dataset_.reset(); }

  static std::unique_ptr<const nn::Dataset> dataset_;
};
std::unique_ptr<const nn::Dataset> TrainQatTest::dataset_;

TEST_F(TrainQatTest, Int8KeepsTheFakeQuantizedAccuracy) {
  ASSERT_OK_AND_ASSIGN(
      const QatTrained trained,
      TrainQat({TinyArchitecture(), *dataset_},
               {.float_epochs = 4, .qat_epochs = 4, .batch = 32, .seed = 3}));
  EXPECT_EQ(trained.epoch_loss.size(), 8);
  EXPECT_LT(trained.epoch_loss.back(), trained.epoch_loss.front());
  EXPECT_GT(trained.fake_quant_top1, 0.15);  // chance is 0.1
  EXPECT_NEAR(trained.int8_top1, trained.fake_quant_top1, 0.01);
  EXPECT_FALSE(trained.int8_kernels.empty());
  EXPECT_NEAR(trained.float_top1, trained.fake_quant_top1, 0.1);
  EXPECT_EQ(trained.package.fake_quant_top1(), trained.fake_quant_top1);
  EXPECT_OK(ParsePackage(SerializePackage(trained.package)));
  EXPECT_OK(ParseFloatNetwork(SerializeFloatNetwork(trained.weights)));
}

// What the fake-quantized network that the weights file holds says of an image.
struct Prediction {
  int label = 0;
  // Between the two largest logits, in steps of their grid.
  int margin = 0;
};

Prediction PredictionFrom(absl::Span<const float> logits, float step) {
  Prediction prediction;
  const auto largest = std::max_element(logits.begin(), logits.end());
  prediction.label = static_cast<int>(largest - logits.begin());
  float second = -std::numeric_limits<float>::infinity();
  for (auto at = logits.begin(); at != logits.end(); ++at) {
    if (at != largest) second = std::max(second, *at);
  }
  prediction.margin =
      static_cast<int>(std::nearbyint((*largest - second) / step));
  return prediction;
}

std::vector<Prediction> FakeQuantizedPredictions(const QatTrained& trained,
                                                 const nn::Dataset& dataset) {
  const arch::Graph graph =
      arch::ExpandArchitecture(trained.weights.architecture()).value();
  const auto network = nn::Network::Create(graph, {}).value();
  const auto plan = QatPlan::Create(graph, {}).value();
  EXPECT_OK(network->Load(trained.weights, /*require_all=*/true));
  EXPECT_OK(plan->Load(trained.weights, /*require_all=*/true));
  plan->Attach(*network);
  plan->SetPhase(QatPhase::kFrozen);
  const float step =
      plan->grid(static_cast<int>(graph.layers.size()) - 1).scale;
  nn::Loader loader(dataset.test, dataset.info,
                    {.batch = 100, .shuffle = false, .drop_last = false});
  std::vector<Prediction> predictions;
  loader.StartEpoch(0);
  while (const nn::Batch* batch = loader.Next()) {
    const nn::Tensor& logits = network->Forward(batch->images, nn::Mode::kEval);
    const size_t classes = static_cast<size_t>(logits.shape().c);
    for (size_t at = 0; at < logits.span().size(); at += classes) {
      predictions.push_back(
          PredictionFrom(logits.span().subspan(at, classes), step));
    }
  }
  return predictions;
}

// The pictures shine through a colour of their class, which a tiny network
// learns in few epochs: near ties are few then.
nn::Dataset Coloured(nn::Dataset dataset) {
  constexpr int kLevels[] = {40, 128, 216};
  constexpr int kDigit[] = {1, 3, 9};
  for (nn::ImageSet* set : {&dataset.train, &dataset.arch, &dataset.test}) {
    const size_t bytes = set->pixels.size() / set->labels.size();
    for (size_t i = 0; i < set->pixels.size(); ++i) {
      const int level = kLevels[set->labels[i / bytes] / kDigit[i % 3] % 3];
      set->pixels[i] = static_cast<uint8_t>((set->pixels[i] + 3 * level) / 4);
    }
  }
  return dataset;
}

// Float sums and integer sums round apart now and then, which moves a logit by
// a step. So the two may differ where the first two classes are that close, and
// nowhere else.
TEST_F(TrainQatTest, Int8PredictsWhatTheFakeQuantizedNetworkPredicts) {
  const nn::Dataset dataset = Coloured(*dataset_);
  ASSERT_OK_AND_ASSIGN(
      const QatTrained trained,
      TrainQat({TinyArchitecture(), dataset},
               {.float_epochs = 3,
                .qat_epochs = 3,
                .batch = 16,
                .seed = 3,
                .label_smoothing = 0}));  // near ties are few then
  const std::vector<Prediction> expected =
      FakeQuantizedPredictions(trained, dataset);
  ASSERT_OK_AND_ASSIGN(const auto executor,
                       CreateOnednnExecutor(trained.package));
  const int images = dataset.test.count();
  ASSERT_EQ(expected.size(), images);
  const size_t classes = static_cast<size_t>(executor->output_elements());
  std::vector<float> logits(images * classes);
  executor->Run(dataset.test.pixels, images, absl::MakeSpan(logits));
  int clear = 0, same = 0;
  for (int i = 0; i < images; ++i) {
    const auto of_image =
        absl::MakeConstSpan(logits).subspan(i * classes, classes);
    const int label = PredictionFrom(of_image, 1).label;
    same += label == expected[i].label;
    if (expected[i].margin <= 2) continue;
    ++clear;
    EXPECT_EQ(label, expected[i].label) << "image " << i;
  }
  EXPECT_GE(same, images * 0.995);
  EXPECT_GT(clear, images / 2);
}

TEST_F(TrainQatTest, IsTheSameForASeed) {
  const QatTrainOptions options = {.float_epochs = 1,
                                   .qat_epochs = 1,
                                   .batch = 50,
                                   .seed = 5,
                                   .grad_boost = nn::GradBoostMode::kCorrected};
  ASSERT_OK_AND_ASSIGN(const QatTrained a,
                       TrainQat({TinyArchitecture(), *dataset_}, options));
  ASSERT_OK_AND_ASSIGN(const QatTrained b,
                       TrainQat({TinyArchitecture(), *dataset_}, options));
  EXPECT_EQ(SerializePackage(a.package), SerializePackage(b.package));
  EXPECT_EQ(SerializeFloatNetwork(a.weights), SerializeFloatNetwork(b.weights));
}

TEST_F(TrainQatTest, WithoutEpochsKeepsTheStartsWeights) {
  ASSERT_OK_AND_ASSIGN(const QatTrained start,
                       TrainQat({TinyArchitecture(), *dataset_},
                                {.float_epochs = 6, .batch = 32, .seed = 3}));
  const v1::Architecture architecture = TinyArchitecture();
  ASSERT_OK_AND_ASSIGN(
      const QatTrained again,
      TrainQat({architecture, *dataset_, &start.weights}, {.batch = 32}));
  EXPECT_TRUE(again.epoch_loss.empty());
  EXPECT_EQ(again.weights.tensors(0).name(), "stem.conv.weight");
  EXPECT_EQ(again.weights.tensors(0).data(), start.weights.tensors(0).data());
  EXPECT_NEAR(again.int8_top1, start.int8_top1, 0.1);
}

TEST_F(TrainQatTest, StopsWhenAsked) {
  StopSource source;
  source.RequestStop();
  EXPECT_THAT(TrainQat({TinyArchitecture(), *dataset_},
                       {.qat_epochs = 1, .stop = source.token()}),
              StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(TrainQatTest, RefusesANetworkForOtherImages) {
  v1::Architecture architecture = TinyArchitecture();
  architecture.set_input_size(64);
  EXPECT_THAT(
      TrainQat({architecture, *dataset_}, {.qat_epochs = 1}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("takes 64 px")));
  EXPECT_THAT(TrainQat({TinyArchitecture(), *dataset_},
                       {.qat_epochs = 1, .batch = 100000}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("batch is 100000")));
}

}  // namespace
}  // namespace frostnas::quant
