#include "nn/network.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "nn/loss.h"
#include "nn/testing/gradient_check.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

using ::testing::HasSubstr;

arch::Graph Expand(const std::string& blocks, int size = 8, int classes = 4) {
  v1::Architecture architecture;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "input_channels: 3 " + blocks, &architecture));
  architecture.set_input_size(size);
  architecture.set_num_classes(classes);
  auto graph = arch::ExpandArchitecture(architecture);
  EXPECT_TRUE(graph.ok()) << graph.status();
  return graph.ok() ? *std::move(graph) : arch::Graph();
}

// Stem, a block with squeeze, concat and residual, a strided one, classifier.
arch::Graph FrostGraph(float dropout = 0) {
  return Expand(
      "blocks { name: 'stem' conv { out_channels: 16 kernel: 3 stride: 1 "
      "  activation: ACTIVATION_RELU } } "
      "blocks { name: 'b1' frost { out_channels: 16 kernel: 3 stride: 1 "
      "  expansion: 3 reduction: 2 } } "
      "blocks { name: 'b2' frost { out_channels: 24 kernel: 5 stride: 2 "
      "  expansion: 3 reduction: 2 } } "
      "blocks { name: 'head' classifier { pool: GLOBAL_POOL_AVERAGE "
      "  dropout: " +
      std::to_string(dropout) + " } }");
}

std::unique_ptr<Network> MustCreate(const arch::Graph& graph,
                                    uint64_t seed = 1) {
  auto network = Network::Create(graph, {.seed = seed});
  EXPECT_TRUE(network.ok()) << network.status();
  return *std::move(network);
}

Tensor RandomTensor(Shape shape, uint64_t seed) {
  Random random(seed);
  Tensor tensor(shape);
  for (float& value : tensor.span()) {
    value = static_cast<float>(random.Normal());
  }
  return tensor;
}

// Moves every normalised value well away from its activation's kink: three
// channels of four pass, the fourth does not.
void MoveFromKinks(Network& network) {
  for (Parameter* p : network.parameters()) {
    if (p->name.find(".beta") == std::string::npos) continue;
    for (size_t c = 0; c < p->value.size(); ++c) {
      p->value[c] = c % 4 == 3 ? -6.0f : 6.0f;
    }
  }
}

void ZeroGradients(Network& network) {
  for (Parameter* parameter : network.parameters()) parameter->ZeroGrad();
}

// Small networks: a second thread would only add waiting.
class NetworkTest : public testing::Test {
 protected:
  NetworkTest() { SetComputeThreads(1); }
};

TEST_F(NetworkTest, GradientsAgreeWithDifferences) {
  const std::unique_ptr<Network> network = MustCreate(FrostGraph());
  MoveFromKinks(*network);
  Tensor src = RandomTensor({3, 8, 8, 3}, 2);
  const std::vector<int32_t> labels = {0, 3, 1};
  const auto loss = [&] {
    return SoftmaxCrossEntropy(network->Forward(src, Mode::kTrain), labels,
                               0.1f, nullptr)
        .loss;
  };
  Tensor diff_logits;
  SoftmaxCrossEntropy(network->Forward(src, Mode::kTrain), labels, 0.1f,
                      &diff_logits);
  ZeroGradients(*network);
  const Tensor& diff_src = network->Backward(diff_logits, true);
  std::vector<CheckedTensor> tensors = {{"src", src.span(), diff_src.span()}};
  for (Parameter* p : network->parameters()) {
    tensors.push_back({p->name, absl::MakeSpan(p->value), p->grad});
  }
  EXPECT_TRUE(CheckGradients(
      loss, tensors,
      {.step = 1e-3, .absolute = 2e-3, .relative = 3e-2, .max_elements = 12}));
}

TEST_F(NetworkTest, BackwardAddsToParameterGradients) {
  const std::unique_ptr<Network> network = MustCreate(FrostGraph());
  const Tensor src = RandomTensor({2, 8, 8, 3}, 3);
  const Tensor diff = RandomTensor({2, 1, 1, 4}, 4);
  ZeroGradients(*network);
  network->Forward(src, Mode::kTrain);
  Tensor used = diff.Clone();
  network->Backward(used, false);
  std::vector<std::vector<float>> once;
  for (Parameter* p : network->parameters()) once.push_back(p->grad);
  network->Forward(src, Mode::kTrain);
  used = diff.Clone();
  EXPECT_TRUE(network->Backward(used, false).empty());
  for (size_t i = 0; i < once.size(); ++i) {
    const Parameter& p = *network->parameters()[i];
    for (size_t j = 0; j < once[i].size(); ++j) {
      EXPECT_NEAR(p.grad[j], 2 * once[i][j], 1e-4 + 1e-4 * std::abs(once[i][j]))
          << p.name << "[" << j << "]";
    }
  }
}

TEST_F(NetworkTest, LearnsAFewImagesByHeart) {
  const std::unique_ptr<Network> network = MustCreate(FrostGraph(0.1f));
  const Tensor src = RandomTensor({16, 8, 8, 3}, 5);
  std::vector<int32_t> labels(16);
  for (int i = 0; i < 16; ++i) labels[i] = i % 4;
  Tensor diff;
  for (int step = 0; step < 60; ++step) {
    SoftmaxCrossEntropy(network->Forward(src, Mode::kTrain), labels, 0, &diff);
    ZeroGradients(*network);
    network->Backward(diff, false);
    for (Parameter* p : network->parameters()) {
      for (size_t i = 0; i < p->value.size(); ++i) {
        p->value[i] -= 0.1f * p->grad[i];
      }
    }
  }
  const Tensor& logits = network->Forward(src, Mode::kEval);
  EXPECT_EQ(CountCorrect(logits, labels), 16);
}

TEST_F(NetworkTest, RepeatsExactlyForOneSeedAndThreadCount) {
  const Tensor src = RandomTensor({8, 8, 8, 3}, 6);
  const Tensor diff = RandomTensor({8, 1, 1, 4}, 7);
  for (const int threads : {1, 2}) {
    SetComputeThreads(threads);
    std::vector<std::vector<float>> gradients[2];
    for (auto& run : gradients) {
      const std::unique_ptr<Network> network = MustCreate(FrostGraph(0.5f));
      ZeroGradients(*network);
      for (int step = 0; step < 2; ++step) {
        network->Forward(src, Mode::kTrain);
        Tensor used = diff.Clone();
        network->Backward(used, false);
      }
      for (Parameter* p : network->parameters()) run.push_back(p->grad);
    }
    EXPECT_EQ(gradients[0], gradients[1]) << threads << " threads";
  }
}

TEST_F(NetworkTest, ABlockStartsTheSameWhereverItStands) {
  const std::unique_ptr<Network> whole = MustCreate(FrostGraph());
  v1::Block block;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "name: 'b2' frost { out_channels: 24 kernel: 5 stride: 2 "
      "  expansion: 3 reduction: 2 }",
      &block));
  ASSERT_OK_AND_ASSIGN(const arch::Graph graph,
                       arch::ExpandBlock(block, {8, 16}, 4));
  const std::unique_ptr<Network> alone = MustCreate(graph);
  int compared = 0;
  for (Parameter* p : alone->parameters()) {
    for (Parameter* q : whole->parameters()) {
      if (p->name != q->name) continue;
      EXPECT_EQ(p->value, q->value) << p->name;
      ++compared;
    }
  }
  EXPECT_EQ(compared, static_cast<int>(alone->parameters().size()));
}

TEST_F(NetworkTest, BatchSizesMayAlternate) {
  const std::unique_ptr<Network> network = MustCreate(FrostGraph());
  const Tensor few = RandomTensor({2, 8, 8, 3}, 8);
  const Tensor many = RandomTensor({5, 8, 8, 3}, 9);
  const Tensor first = network->Forward(few, Mode::kEval).Clone();
  EXPECT_EQ(network->Forward(many, Mode::kEval).shape(), Shape({5, 1, 1, 4}));
  const Tensor& again = network->Forward(few, Mode::kEval);
  ASSERT_EQ(again.shape(), first.shape());
  for (int i = 0; i < 8; ++i) EXPECT_EQ(again.data()[i], first.data()[i]);
}

TEST_F(NetworkTest, ProbingTakesBatchStatisticsAndChangesNothing) {
  const std::unique_ptr<Network> network = MustCreate(FrostGraph(0.5f));
  const Tensor src = RandomTensor({4, 8, 8, 3}, 10);
  std::vector<std::vector<float>> before;
  for (StateBuffer* s : network->state()) before.push_back(s->value);
  const Tensor probed = network->Forward(src, Mode::kProbe).Clone();
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(network->state()[i]->value, before[i]);
  }
  // The features before dropout are those of training.
  const int pooled = static_cast<int>(network->graph().layers.size()) - 3;
  const Tensor features = network->layer_output(pooled).Clone();
  network->Forward(src, Mode::kTrain);
  for (int i = 0; i < features.elements(); ++i) {
    EXPECT_NEAR(network->layer_output(pooled).data()[i], features.data()[i],
                1e-5);
  }
}

TEST_F(NetworkTest, ABrokenGraphIsRefused) {
  arch::Graph graph = FrostGraph();
  graph.layers[1].kernel = 4;
  EXPECT_THAT(Network::Create(graph, {}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr(graph.layers[1].name)));
}

}  // namespace
}  // namespace frostnas::nn
