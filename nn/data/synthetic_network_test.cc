// The built-in set is learnable: a small convolutional network passes 40 % in
// five epochs.
#include <cstdint>
#include <string>

#include "arch/graph.h"
#include "base/status_matchers.h"
#include "gtest/gtest.h"
#include "nn/data/dataset.h"
#include "nn/data/loader.h"
#include "nn/loss.h"
#include "nn/mode.h"
#include "nn/network.h"
#include "nn/optim/optimizer.h"
#include "nn/optim/schedule.h"
#include "nn/parameter.h"
#include "nn/tensor.h"
#include "nn/threads.h"
#include "proto/frostnas/v1/architecture.pb.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::nn {
namespace {

constexpr int kEpochs = 5;

void AddConv(int channels, int stride, v1::Architecture& architecture) {
  v1::Block& block = *architecture.add_blocks();
  block.set_name("conv" + std::to_string(architecture.blocks_size()));
  v1::ConvBlock& conv = *block.mutable_conv();
  conv.set_out_channels(channels);
  conv.set_kernel(3);
  conv.set_stride(stride);
  conv.set_activation(v1::ACTIVATION_RELU);
}

// Four convolutions and a linear layer: 61 000 weights.
v1::Architecture SmallNetwork(const v1::DatasetInfo& info) {
  v1::Architecture architecture;
  architecture.set_input_size(info.image_size());
  architecture.set_input_channels(info.channels());
  architecture.set_num_classes(info.classes());
  AddConv(16, 1, architecture);
  AddConv(32, 2, architecture);
  AddConv(64, 2, architecture);
  AddConv(64, 2, architecture);
  v1::Block& classifier = *architecture.add_blocks();
  classifier.set_name("classifier");
  classifier.mutable_classifier()->set_pool(v1::GLOBAL_POOL_AVERAGE);
  return architecture;
}

void TrainEpoch(int epoch, const Schedule& schedule, Loader& loader,
                Network& network, Optimizer& optimizer) {
  Tensor diff_logits;
  loader.StartEpoch(epoch);
  int64_t step = static_cast<int64_t>(epoch) * loader.batches();
  while (const Batch* batch = loader.Next()) {
    for (Parameter* parameter : network.parameters()) parameter->ZeroGrad();
    const Tensor& logits = network.Forward(batch->images, Mode::kTrain);
    SoftmaxCrossEntropy(logits, batch->labels, 0, &diff_logits);
    network.Backward(diff_logits, /*need_diff_src=*/false);
    optimizer.Step(LearningRate(schedule, step++));
  }
}

double Accuracy(const ImageSet& images, const v1::DatasetInfo& info,
                Network& network) {
  Loader loader(images, info, {.shuffle = false, .drop_last = false});
  loader.StartEpoch(0);
  int correct = 0;
  while (const Batch* batch = loader.Next()) {
    correct += CountCorrect(network.Forward(batch->images, Mode::kEval),
                            batch->labels);
  }
  return correct / static_cast<double>(images.count());
}

TEST(SyntheticNetworkTest, SmallNetworkPassesFortyPercent) {
  SetComputeThreads(1);  // the same result on every machine of one kind
  v1::DatasetSpec spec;
  spec.set_kind(v1::DATASET_KIND_SYNTHETIC);
  spec.set_seed(1);
  ASSERT_OK_AND_ASSIGN(const auto dataset, LoadDataset(spec));
  ASSERT_OK_AND_ASSIGN(const arch::Graph graph,
                       arch::ExpandArchitecture(SmallNetwork(dataset->info)));
  ASSERT_OK_AND_ASSIGN(const auto network, Network::Create(graph, {.seed = 1}));
  ASSERT_OK_AND_ASSIGN(
      const auto optimizer,
      Optimizer::Create({.weight_decay = 1e-4}, network->parameters()));
  Loader loader(dataset->train, dataset->info,
                {.augmentation = {.crop_padding = 2, .flip = true}, .seed = 1});
  const Schedule schedule = {
      .base_rate = 0.1,
      .total_steps = static_cast<int64_t>(kEpochs) * loader.batches(),
      .warmup_steps = loader.batches() / 2};
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    TrainEpoch(epoch, schedule, loader, *network, *optimizer);
  }
  EXPECT_GT(Accuracy(dataset->test, dataset->info, *network), 0.4);
}

}  // namespace
}  // namespace frostnas::nn
