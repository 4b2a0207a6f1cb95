// Fake quantization inside a network: which tensors, which gradients.
#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"
#include "nn/kernels/reference_norm.h"
#include "nn/network.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

using arch::LayerKind;

// A grid that stays as it is; counts observations.
class FixedQuantizer : public ActivationQuantizer {
 public:
  void Observe(float min, float max) override {
    min_ = min;
    max_ = max;
    ++observations_;
  }
  bool observing() const override { return true; }
  bool quantizing() const override { return quantizing_; }
  AffineGrid grid() const override {
    return {.scale = 0.25f, .zero_point = 32, .qmax = 63};
  }

  bool quantizing_ = true;
  int observations_ = 0;
  float min_ = 0, max_ = 0;
};

arch::Layer Conv(const std::string& name, int input, int in, int out) {
  return {.name = name,
          .kind = LayerKind::kConv,
          .inputs = {input},
          .in = {4, in},
          .out = {4, out},
          .batch_norm = true,
          .activation = v1::ACTIVATION_RELU};
}

// squeeze(input) and the input joined, then expanded and added to the input.
arch::Graph BlockGraph() {
  arch::Graph graph;
  graph.input = {4, 8};
  graph.layers = {Conv("squeeze", arch::kGraphInput, 8, 4),
                  {.name = "concat",
                   .kind = LayerKind::kConcat,
                   .inputs = {0, arch::kGraphInput},
                   .in = {4, 4},
                   .out = {4, 12}},
                  Conv("expand", 1, 12, 8),
                  {.name = "add",
                   .kind = LayerKind::kAdd,
                   .inputs = {2, arch::kGraphInput},
                   .in = {4, 8},
                   .out = {4, 8}}};
  return graph;
}

class NetworkQuantizationTest : public testing::Test {
 protected:
  NetworkQuantizationTest() {
    SetComputeThreads(1);
    auto network = Network::Create(BlockGraph(), {.seed = 1});
    EXPECT_TRUE(network.ok()) << network.status();
    network_ = *std::move(network);
    src_.Resize({2, 4, 4, 8});
    Random random(2);
    for (float& value : src_.span()) {
      value = static_cast<float>(2 * random.Normal());
    }
  }

  Network& network() { return *network_; }

  std::unique_ptr<Network> network_;
  Tensor src_;
};

// Whether all values are multiples of the fixed grid's step.
bool OnGrid(const Tensor& tensor) {
  for (float value : tensor.span()) {
    if (std::abs(value * 4 - std::round(value * 4)) > 1e-5) return false;
  }
  return true;
}

TEST_F(NetworkQuantizationTest, EveryHookedOutputLiesOnItsGrid) {
  FixedQuantizer quantizers[5];
  std::vector<LayerQuantization> hooks(4);
  for (int i = 0; i < 4; ++i) hooks[i].output = &quantizers[i];
  network().SetQuantization(hooks);
  network().SetInputQuantization(&quantizers[4]);
  for (const Mode mode : {Mode::kTrain, Mode::kEval, Mode::kProbe}) {
    network().Forward(src_, mode);
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(OnGrid(network().layer_output(i)));
  }
  for (const FixedQuantizer& quantizer : quantizers) {
    EXPECT_EQ(quantizer.observations_, 1);  // in kTrain alone
  }
  EXPECT_LT(quantizers[4].min_, -2);  // the input before quantization
}

TEST_F(NetworkQuantizationTest, WithoutHooksNothingIsRounded) {
  network().Forward(src_, Mode::kTrain);
  EXPECT_FALSE(OnGrid(network().layer_output(0)));
}

TEST_F(NetworkQuantizationTest, AConcatOfItsOwnGridIsACopy) {
  FixedQuantizer shared;
  std::vector<LayerQuantization> hooks(4);
  hooks[0].output = hooks[1].output = &shared;
  network().SetQuantization(hooks);
  network().SetInputQuantization(&shared);
  network().Forward(src_, Mode::kTrain);
  EXPECT_EQ(shared.observations_, 2);  // input and squeeze
  EXPECT_TRUE(OnGrid(network().layer_output(1)));
  // Removing the input's hook makes the concat quantize by itself.
  network().SetInputQuantization(nullptr);
  network().Forward(src_, Mode::kTrain);
  EXPECT_EQ(shared.observations_, 4);  // and squeeze and concat
  EXPECT_TRUE(OnGrid(network().layer_output(1)));
}

TEST_F(NetworkQuantizationTest, ObservingAloneChangesNoValue) {
  const Tensor plain = network().Forward(src_, Mode::kTrain).Clone();
  FixedQuantizer quantizer;
  quantizer.quantizing_ = false;
  std::vector<LayerQuantization> hooks(4);
  hooks[3].output = &quantizer;
  network().SetQuantization(hooks);
  const Tensor& observed = network().Forward(src_, Mode::kTrain);
  for (int i = 0; i < plain.elements(); ++i) {
    EXPECT_EQ(observed.data()[i], plain.data()[i]);
  }
  EXPECT_EQ(quantizer.observations_, 1);
}

// The network with quantized weights computes what one holding the rounded
// weights does, and its weight gradients are that one's.
TEST_F(NetworkQuantizationTest, WeightsAreRoundedAndGradientsPassStraight) {
  auto rounded = Network::Create(BlockGraph(), {.seed = 1});
  ASSERT_TRUE(rounded.ok());
  std::vector<LayerQuantization> hooks(4);
  hooks[0].weight_bits = hooks[2].weight_bits = 4;
  network().SetQuantization(hooks);
  for (Parameter* p : (*rounded)->parameters()) {
    if (p->role != ParameterRole::kWeight) continue;
    p->value = reference::FakeQuantizeWeights(p->value, p->shape[0], 4);
  }
  const Tensor& quantized = network().Forward(src_, Mode::kTrain);
  const Tensor& expected = (*rounded)->Forward(src_, Mode::kTrain);
  for (int i = 0; i < expected.elements(); ++i) {
    ASSERT_NEAR(quantized.data()[i], expected.data()[i], 1e-4);
  }
  Tensor diff(quantized.shape());
  for (int i = 0; i < diff.elements(); ++i) {
    diff.data()[i] = static_cast<float>(i % 7) - 3;
  }
  Tensor same_diff = diff.Clone();
  network().Backward(same_diff, false);
  (*rounded)->Backward(diff, false);
  for (size_t i = 0; i < network().parameters().size(); ++i) {
    const Parameter& actual = *network().parameters()[i];
    const Parameter& wanted = *(*rounded)->parameters()[i];
    for (size_t j = 0; j < actual.grad.size(); ++j) {
      EXPECT_NEAR(actual.grad[j], wanted.grad[j],
                  1e-3 * (1 + std::abs(wanted.grad[j])))
          << actual.name;
    }
  }
}

TEST_F(NetworkQuantizationTest, GradientsOfClippedSumsAreZero) {
  FixedQuantizer quantizer;  // from -8 to 7.75
  std::vector<LayerQuantization> hooks(4);
  hooks[3].output = &quantizer;
  for (float& value : src_.span()) value *= 4;
  network().SetQuantization(hooks);
  network().Forward(src_, Mode::kTrain);
  const Tensor expand = network().layer_output(2).Clone();
  Tensor diff({2, 4, 4, 8});
  for (float& value : diff.span()) value = 1;
  Tensor same_diff = diff.Clone();
  const Tensor& diff_src = network().Backward(same_diff, true);
  // Where the sum is clipped only what comes through squeeze and expand is
  // left of the gradient by src; comparing with the unclipped network gives 1.
  network().SetQuantization(std::vector<LayerQuantization>(4));
  const Tensor clipped = diff_src.Clone();
  int clips = 0;
  for (int i = 0; i < src_.elements(); ++i) {
    const float sum = src_.data()[i] + expand.data()[i];
    if (sum < -8.125f || sum > 7.875f) {
      ++clips;
      diff.data()[i] = 0;
    }
  }
  network().Forward(src_, Mode::kTrain);
  const Tensor& expected = network().Backward(diff, true);
  EXPECT_GT(clips, 10);
  for (int i = 0; i < src_.elements(); ++i) {
    EXPECT_NEAR(clipped.data()[i], expected.data()[i], 1e-4);
  }
}

}  // namespace
}  // namespace frostnas::nn
