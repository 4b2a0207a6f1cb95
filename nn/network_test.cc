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
#include "nn/gradient_check.h"
#include "nn/loss.h"
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

// A grid that stays as it is; remembers what it observed.
class FixedQuantizer : public ActivationQuantizer {
 public:
  explicit FixedQuantizer(AffineGrid grid) : grid_(grid) {}
  void Observe(float min, float max) override {
    min_ = min;
    max_ = max;
    ++observations_;
  }
  bool observing() const override { return true; }
  bool quantizing() const override { return quantizing_; }
  AffineGrid grid() const override { return grid_; }

  AffineGrid grid_;
  bool quantizing_ = true;
  float min_ = 0, max_ = 0;
  int observations_ = 0;
};

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
  network->Backward(diff, false);
  std::vector<std::vector<float>> once;
  for (Parameter* p : network->parameters()) once.push_back(p->grad);
  network->Forward(src, Mode::kTrain);
  EXPECT_TRUE(network->Backward(diff, false).empty());
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

}  // namespace
}  // namespace frostnas::nn
