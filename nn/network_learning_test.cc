// Quantizers that learn inside a network, and training with frozen norms: which
// gradients reach whom.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/network.h"
#include "nn/testing/gradient_check.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

using arch::LayerKind;
using ::testing::Each;
using ::testing::HasSubstr;

// quantized = factor of the channel * weights: smooth, so that differences
// show every gradient.
class ScaledWeights : public WeightQuantizer {
 public:
  explicit ScaledWeights(int channels) {
    factor_.name = "factor";
    for (int c = 0; c < channels; ++c) {
      factor_.value.push_back(0.5f + 0.25f * static_cast<float>(c % 4));
    }
    factor_.ZeroGrad();
  }

  void Quantize(const ChannelLayout& layout, const std::vector<float>& weights,
                std::vector<float>& quantized) override {
    quantized.resize(weights.size());
    ForEach(layout, [&](int c, size_t at) {
      quantized[at] = factor_.value[c] * weights[at];
    });
  }
  void Backward(const ChannelLayout& layout, const std::vector<float>& weights,
                const std::vector<float>& diff_quantized,
                std::vector<float>& diff_weights) override {
    ForEach(layout, [&](int c, size_t at) {
      factor_.grad[c] += weights[at] * diff_quantized[at];
      diff_weights[at] += factor_.value[c] * diff_quantized[at];
    });
  }

  Parameter factor_;

 private:
  template <typename Body>
  static void ForEach(const ChannelLayout& layout, const Body& body) {
    for (int c = 0; c < layout.channels; ++c) {
      for (int i = 0; i < layout.count; ++i) {
        body(c, static_cast<size_t>(c * layout.outer + i * layout.inner));
      }
    }
  }
};

// A fixed grid from -2 to 1.9375, wide enough to clip little.
class Grid : public ActivationQuantizer {
 public:
  void Observe(float, float) override {}
  bool observing() const override { return false; }
  bool quantizing() const override { return true; }
  AffineGrid grid() const override {
    return {.scale = 0.0625f, .zero_point = 32, .qmax = 63};
  }
};

// The same with the gradient it has in any case, made by itself.
class LearningGrid : public Grid {
 public:
  bool learning() const override { return true; }
  void Backward(const Tensor& raw, Tensor& diff) override {
    raw_.assign(raw.span().begin(), raw.span().end());
    for (int64_t i = 0; i < raw.elements(); ++i) {
      const float x = raw.data()[i];
      if (x <= -2 - 0.03125f || x >= 1.9375f + 0.03125f) diff.data()[i] = 0;
    }
  }
  std::vector<float> raw_;
};

arch::Layer Conv(const std::string& name, LayerKind kind, int input, int in,
                 int kernel) {
  return {.name = name,
          .kind = kind,
          .inputs = {input},
          .in = {4, in},
          .out = {4, 8},
          .kernel = kernel,
          .activation = v1::ACTIVATION_RELU};
}

// Every way weights are multiplied, units joined and not, and an add and a
// pooling that leave their quantization to the network.
arch::Graph FoldedGraph() {
  arch::Graph graph;
  graph.input = {4, 3};
  graph.layers = {Conv("stem", LayerKind::kConv, arch::kGraphInput, 3, 3),
                  Conv("expand", LayerKind::kConv, 0, 8, 1),
                  Conv("depthwise", LayerKind::kDepthwise, 1, 8, 3),
                  Conv("project", LayerKind::kConv, 2, 8, 1),
                  {.name = "add",
                   .kind = LayerKind::kAdd,
                   .inputs = {3, 0},
                   .in = {4, 8},
                   .out = {4, 8}},
                  {.name = "pool",
                   .kind = LayerKind::kGlobalPool,
                   .inputs = {4},
                   .in = {4, 8},
                   .out = {1, 8},
                   .pool = v1::GLOBAL_POOL_AVERAGE},
                  {.name = "classify",
                   .kind = LayerKind::kLinear,
                   .inputs = {5},
                   .in = {1, 8},
                   .out = {1, 4}}};
  graph.layers[3].activation = v1::ACTIVATION_NONE;
  return graph;
}

Tensor RandomTensor(Shape shape, uint64_t seed) {
  Random random(seed);
  Tensor tensor(shape);
  for (float& value : tensor.span()) {
    value = static_cast<float>(random.Normal());
  }
  return tensor;
}

void ZeroGradients(Network& network) {
  for (Parameter* parameter : network.parameters()) parameter->ZeroGrad();
}

// Small networks: a second thread would only add waiting.
class NetworkLearningTest : public testing::Test {
 protected:
  NetworkLearningTest()
      : src_(RandomTensor({3, 4, 4, 3}, 2)),
        diff_(RandomTensor({3, 1, 1, 4}, 3)) {
    SetComputeThreads(1);
  }

  static std::unique_ptr<Network> MustCreate(const arch::Graph& graph,
                                             const NetworkOptions& options) {
    auto network = Network::Create(graph, options);
    EXPECT_TRUE(network.ok()) << network.status();
    return *std::move(network);
  }

  // Gradients of all parameters, and that by src, of one step.
  std::vector<std::vector<float>> Gradients(Network& network) {
    ZeroGradients(network);
    network.Forward(src_, Mode::kTrain);
    Tensor diff = diff_.Clone();
    const Tensor& diff_src = network.Backward(diff, true);
    std::vector<std::vector<float>> gradients;
    for (Parameter* p : network.parameters()) gradients.push_back(p->grad);
    gradients.emplace_back(diff_src.span().begin(), diff_src.span().end());
    return gradients;
  }

  double Loss(Network& network) {
    return WeightedSum(network.Forward(src_, Mode::kTrain).span(),
                       diff_.span());
  }

  Tensor src_;
  const Tensor diff_;
};

TEST_F(NetworkLearningTest, WeightQuantizersGetAndGiveEveryGradient) {
  const arch::Graph graph = FoldedGraph();
  const auto network = MustCreate(graph, {.seed = 1});
  std::vector<LayerQuantization> hooks(graph.layers.size());
  std::vector<std::unique_ptr<ScaledWeights>> quantizers;
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    if (!graph.layers[i].has_weights()) continue;
    quantizers.push_back(
        std::make_unique<ScaledWeights>(graph.layers[i].out.channels));
    hooks[i].weights = quantizers.back().get();
  }
  network->SetQuantization(hooks);
  Gradients(*network);
  std::vector<CheckedTensor> tensors;
  for (Parameter* p : network->parameters()) {
    tensors.push_back({p->name, absl::MakeSpan(p->value), p->grad});
  }
  for (const auto& quantizer : quantizers) {
    tensors.push_back({"factor", absl::MakeSpan(quantizer->factor_.value),
                       quantizer->factor_.grad});
  }
  EXPECT_TRUE(
      CheckGradients([&] { return Loss(*network); }, tensors, {.step = 1e-3}));
}

TEST_F(NetworkLearningTest, WeightQuantizersAreAskedInEveryMode) {
  const arch::Graph graph = FoldedGraph();
  const auto network = MustCreate(graph, {.seed = 1});
  const Tensor plain = network->Forward(src_, Mode::kEval).Clone();
  ScaledWeights zero(4);
  std::fill(zero.factor_.value.begin(), zero.factor_.value.end(), 0.0f);
  std::vector<LayerQuantization> hooks(graph.layers.size());
  hooks.back().weights = &zero;
  network->SetQuantization(hooks);
  for (const Mode mode : {Mode::kTrain, Mode::kEval, Mode::kProbe}) {
    EXPECT_THAT(network->Forward(src_, mode).span(), Each(0));  // the bias
  }
  network->SetQuantization(std::vector<LayerQuantization>(hooks.size()));
  const Tensor& again = network->Forward(src_, Mode::kEval);
  EXPECT_TRUE(std::equal(plain.span().begin(), plain.span().end(),
                         again.span().begin()));
}

// What the gradient past a quantizer is worth does not depend on who makes it.
TEST_F(NetworkLearningTest, LearningQuantizersMakeTheGradient) {
  arch::Graph graph = FoldedGraph();
  for (arch::Layer& layer : graph.layers) {
    layer.batch_norm = layer.kind == LayerKind::kConv;
  }
  const auto network = MustCreate(graph, {.seed = 1});
  Grid fixed;
  LearningGrid learning[7];
  std::vector<LayerQuantization> hooks(graph.layers.size());
  for (LayerQuantization& hook : hooks) hook.output = &fixed;
  hooks.back().output = nullptr;
  network->SetQuantization(hooks);
  const auto expected = Gradients(*network);
  for (size_t i = 0; i + 1 < hooks.size(); ++i) hooks[i].output = &learning[i];
  network->SetQuantization(hooks);
  const auto actual = Gradients(*network);
  for (size_t i = 0; i < expected.size(); ++i) {
    for (size_t j = 0; j < expected[i].size(); ++j) {
      EXPECT_NEAR(actual[i][j], expected[i][j],
                  1e-4 * (1 + std::abs(expected[i][j])));
    }
  }
  // They see the tensor past its activation and before its rounding.
  const std::vector<float>& relu = learning[0].raw_;
  EXPECT_EQ(*std::min_element(relu.begin(), relu.end()), 0);
  const std::vector<float>& sum = learning[4].raw_;
  EXPECT_LT(*std::min_element(sum.begin(), sum.end()), 0);
  const float step = fixed.grid().scale;
  EXPECT_TRUE(std::any_of(relu.begin(), relu.end(), [&](float value) {
    return std::abs(std::remainder(value, step)) > step / 10;
  }));
}

TEST_F(NetworkLearningTest, MixedPrecisionIsRefused) {
  const arch::Graph graph = FoldedGraph();
  const auto network =
      MustCreate(graph, {.seed = 1, .precision = Precision::kMixed});
  LearningGrid grid;
  std::vector<LayerQuantization> hooks(graph.layers.size());
  hooks[0].output = &grid;
  EXPECT_DEATH(network->SetQuantization(hooks), HasSubstr("single precision"));
}

// Before and after the activation.
TEST_F(NetworkLearningTest, FrozenNormsTrainByTheRunningStatistics) {
  arch::Graph graph = FoldedGraph();
  for (arch::Layer& layer : graph.layers) {
    layer.batch_norm = layer.kind == LayerKind::kConv;
  }
  graph.layers[1].norm_after_activation = true;
  const auto network =
      MustCreate(graph, {.seed = 1, .frozen_batch_norm = true});
  Random random(4);
  for (StateBuffer* state : network->state()) {
    for (float& value : state->value) {
      value = static_cast<float>(random.Uniform(0.5, 1.5));
    }
  }
  std::vector<std::vector<float>> before;
  for (StateBuffer* state : network->state()) before.push_back(state->value);
  const Tensor evaluated = network->Forward(src_, Mode::kEval).Clone();
  const Tensor& trained = network->Forward(src_, Mode::kTrain);
  for (int i = 0; i < trained.elements(); ++i) {
    EXPECT_NEAR(trained.data()[i], evaluated.data()[i], 1e-6);
  }
  const std::vector<std::vector<float>> gradients = Gradients(*network);
  std::vector<CheckedTensor> tensors = {{"src", src_.span(), gradients.back()}};
  for (Parameter* p : network->parameters()) {
    tensors.push_back({p->name, absl::MakeSpan(p->value), p->grad});
  }
  EXPECT_TRUE(
      CheckGradients([&] { return Loss(*network); }, tensors, {.step = 1e-3}));
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(network->state()[i]->value, before[i]);
  }
}

}  // namespace
}  // namespace frostnas::nn
