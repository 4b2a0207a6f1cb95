#include "nn/modules/output_quantizer.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::nn {
namespace {

using ::testing::ElementsAre;

class SwitchedQuantizer : public ActivationQuantizer {
 public:
  void Observe(float min, float max) override { observed = {min, max}; }
  bool observing() const override { return observe; }
  bool quantizing() const override { return quantize; }
  AffineGrid grid() const override {
    return {.scale = 0.5, .zero_point = 1, .qmax = 3};
  }

  bool observe = true;
  bool quantize = true;
  ValueRange observed;
};

Tensor TensorOf(const std::vector<float>& values) {
  Tensor tensor({1, 1, static_cast<int>(values.size()), 1});
  std::copy(values.begin(), values.end(), tensor.data());
  return tensor;
}

std::vector<float> ValuesOf(const Tensor& tensor) {
  return {tensor.span().begin(), tensor.span().end()};
}

// Runs the pass on `values` as a network does and returns its output.
std::vector<float> Quantized(QuantizationPass& pass, Mode mode,
                             const std::vector<float>& values) {
  Tensor dst;
  Tensor& raw = pass.Raw(mode, dst);
  raw.Resize({1, 1, static_cast<int>(values.size()), 1});
  std::copy(values.begin(), values.end(), raw.data());
  pass.Forward(raw, mode, dst);
  return ValuesOf(dst);
}

TEST(QuantizationPassTest, ObservesRoundsAndGatesInTraining) {
  SwitchedQuantizer quantizer;
  QuantizationPass pass;
  pass.Set(&quantizer);
  // The grid holds -0.5, 0, 0.5, 1.
  EXPECT_THAT(Quantized(pass, Mode::kTrain, {-2, -0.6f, 0.3f, 1.2f, 1.3f}),
              ElementsAre(-0.5, -0.5, 0.5, 1, 1));
  EXPECT_EQ(quantizer.observed.min, -2);
  EXPECT_EQ(quantizer.observed.max, 1.3f);
  Tensor diff = TensorOf({1, 2, 3, 4, 5});
  pass.Backward(diff, diff);
  EXPECT_THAT(ValuesOf(diff), ElementsAre(0, 2, 3, 4, 0));
}

TEST(QuantizationPassTest, OnlyObservesWhileNotQuantizing) {
  SwitchedQuantizer quantizer;
  quantizer.quantize = false;
  QuantizationPass pass;
  pass.Set(&quantizer);
  EXPECT_THAT(Quantized(pass, Mode::kTrain, {-2, 7}), ElementsAre(-2, 7));
  EXPECT_EQ(quantizer.observed.max, 7);
  Tensor diff = TensorOf({1, 2});
  pass.Backward(diff, diff);
  EXPECT_THAT(ValuesOf(diff), ElementsAre(1, 2));
}

TEST(QuantizationPassTest, QuantizesWithoutObservingOutsideTraining) {
  SwitchedQuantizer quantizer;
  QuantizationPass pass;
  pass.Set(&quantizer);
  EXPECT_THAT(Quantized(pass, Mode::kEval, {-2, 7}), ElementsAre(-0.5, 1));
  EXPECT_THAT(Quantized(pass, Mode::kProbe, {-2, 7}), ElementsAre(-0.5, 1));
  EXPECT_EQ(quantizer.observed.max, 0);
}

TEST(QuantizationPassTest, WithoutAHookNothingHappens) {
  QuantizationPass pass;
  EXPECT_THAT(Quantized(pass, Mode::kTrain, {0.3f}), ElementsAre(0.3f));
  Tensor diff = TensorOf({1});
  pass.Backward(diff, diff);
  EXPECT_THAT(ValuesOf(diff), ElementsAre(1));
}

}  // namespace
}  // namespace frostnas::nn
