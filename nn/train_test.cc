#include "nn/train.h"

#include <memory>
#include <string>
#include <vector>

#include "arch/graph.h"
#include "base/random.h"
#include "base/status_matchers.h"
#include "base/stop.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

using ::testing::HasSubstr;

// Grey 8x8 noise; the upper half is brighter in class 0, the lower in class 1.
ImageSet HalvesSet(int count, uint64_t seed) {
  Random random(seed);
  ImageSet set;
  set.size = 8;
  set.channels = 1;
  for (int i = 0; i < count; ++i) {
    const int label = i % 2;
    set.labels.push_back(label);
    for (int pixel = 0; pixel < 64; ++pixel) {
      const bool bright = (pixel >= 32) == (label == 1);
      set.pixels.push_back(
          static_cast<uint8_t>(random.UniformInt(100) + (bright ? 100 : 0)));
    }
  }
  return set;
}

class TrainTest : public testing::Test {
 protected:
  TrainTest() : images_(HalvesSet(64, 1)) {
    SetComputeThreads(1);
    info_.set_classes(2);
    info_.set_channels(1);
    info_.set_image_size(8);
    info_.add_mean(0.4f);
    info_.add_stddev(0.2f);
    loader_ =
        std::make_unique<Loader>(images_, info_, LoaderOptions{.batch = 16});
    Restart();
  }

  // A fresh network and optimizer.
  void Restart() {
    v1::Architecture architecture;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
        "input_size: 8 input_channels: 1 num_classes: 2 "
        "blocks { name: 'stem' conv { out_channels: 8 kernel: 3 stride: 2 "
        "  activation: ACTIVATION_RELU } } "
        "blocks { name: 'tail' conv { out_channels: 8 kernel: 3 stride: 2 "
        "  activation: ACTIVATION_RELU } } "
        "blocks { name: 'head' classifier { pool: GLOBAL_POOL_MAX } }",
        &architecture));
    ASSERT_OK_AND_ASSIGN(const arch::Graph graph,
                         arch::ExpandArchitecture(architecture));
    ASSERT_OK_AND_ASSIGN(network_, Network::Create(graph, {.seed = 3}));
    ASSERT_OK_AND_ASSIGN(optimizer_,
                         Optimizer::Create({}, network_->parameters()));
  }

  absl::StatusOr<EpochResult> Epoch(EpochOptions options) {
    options.schedule = {.kind = ScheduleKind::kConstant,
                        .base_rate = learning_rate_};
    return TrainEpoch({*network_, *optimizer_, *loader_}, options);
  }

  ImageSet images_;
  v1::DatasetInfo info_;
  double learning_rate_ = 0.05;
  std::unique_ptr<Loader> loader_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Optimizer> optimizer_;
};

TEST_F(TrainTest, LearnsAndReportsEachStep) {
  std::vector<StepReport> reports;
  EpochResult result;
  for (int epoch = 0; epoch < 6; ++epoch) {
    ASSERT_OK_AND_ASSIGN(
        result, Epoch({.epoch = epoch, .on_step = [&](const StepReport& r) {
                         reports.push_back(r);
                       }}));
  }
  ASSERT_EQ(reports.size(), 24);
  EXPECT_EQ(reports.back().step, 4);
  EXPECT_EQ(reports.back().steps, 4);
  EXPECT_EQ(reports.back().loss, result.loss);
  EXPECT_EQ(result.images, 64);
  EXPECT_LT(result.loss, reports.front().loss / 2);
  const ImageSet unseen = HalvesSet(50, 2);
  Loader test_loader(unseen, info_,
                     {.batch = 16, .shuffle = false, .drop_last = false});
  ASSERT_OK_AND_ASSIGN(const double top1,
                       EvaluateTop1(*network_, test_loader, StopToken()));
  EXPECT_GT(top1, 0.9);
}

TEST_F(TrainTest, TheSameSeedGivesTheSameWeights) {
  ASSERT_OK_AND_ASSIGN(const EpochResult first, Epoch({}));
  const std::vector<float> weights = network_->parameters()[0]->value;
  Restart();
  ASSERT_OK_AND_ASSIGN(const EpochResult second, Epoch({}));
  EXPECT_EQ(first.loss, second.loss);
  EXPECT_EQ(network_->parameters()[0]->value, weights);
}

TEST_F(TrainTest, StopsBetweenSteps) {
  StopSource source;
  int steps = 0;
  const auto result =
      Epoch({.stop = source.token(), .on_step = [&](const StepReport&) {
               if (++steps == 2) source.RequestStop();
             }});
  EXPECT_THAT(result, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(steps, 2);
  EXPECT_THAT(EvaluateTop1(*network_, *loader_, source.token()),
              StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(TrainTest, SaysWhenTheLossIsNoLongerFinite) {
  learning_rate_ = 1e30;
  EXPECT_THAT(Epoch({}), StatusIs(absl::StatusCode::kFailedPrecondition,
                                  HasSubstr("lower the learning rate")));
}

TEST_F(TrainTest, UpdatesTheAverage) {
  WeightAverage average({.decay = 0.9}, network_->parameters(),
                        network_->state());
  ASSERT_OK(Epoch({.average = &average}));
  const std::vector<float> weights = network_->parameters()[0]->value;
  average.Swap();
  EXPECT_NE(network_->parameters()[0]->value, weights);
}

TEST_F(TrainTest, EvaluatingNothingIsAnError) {
  const ImageSet none = HalvesSet(0, 1);
  Loader loader(none, info_, {.drop_last = false});
  EXPECT_THAT(EvaluateTop1(*network_, loader, StopToken()),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace frostnas::nn
