#include "nn/modules/conv_unit.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/kernels/reference_conv.h"
#include "nn/kernels/reference_norm.h"
#include "nn/testing/gradient_check.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

using reference::Values;

Tensor RandomTensor(Shape shape, uint64_t seed) {
  Random random(seed);
  Tensor tensor(shape);
  for (float& value : tensor.span()) {
    value = static_cast<float>(random.Normal());
  }
  return tensor;
}

Values ValuesOf(const Tensor& tensor) {
  return {tensor.span().begin(), tensor.span().end()};
}

void ExpectNear(const Tensor& actual, const Values& expected,
                const std::string& what) {
  ASSERT_EQ(actual.elements(), static_cast<int64_t>(expected.size())) << what;
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(actual.data()[i], expected[i],
                2e-5 * (1 + std::abs(expected[i])))
        << what << " [" << i << "]";
  }
}

// Fixed grid; counts and keeps what it observes.
class FixedQuantizer : public ActivationQuantizer {
 public:
  void Observe(float min, float max) override {
    range = {min, max};
    ++observations;
  }
  bool observing() const override { return true; }
  bool quantizing() const override { return true; }
  AffineGrid grid() const override { return fixed; }

  AffineGrid fixed = {.scale = 0.1f, .zero_point = 3, .qmax = 20};
  ValueRange range;
  int observations = 0;
};

struct Case {
  const char* name;
  ConvUnitOptions options;
};

void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }

std::vector<Case> Cases() {
  const float inf = Epilogue::kInfinity;
  return {
      {"PointwiseRelu", {.c_in = 5, .c_out = 8, .act_low = 0, .act_high = inf}},
      {"PointwiseLinear", {.c_in = 8, .c_out = 3}},
      {"DenseRelu6",
       {.c_in = 3,
        .c_out = 6,
        .kernel = 3,
        .stride = 2,
        .act_low = 0,
        .act_high = 6}},
      {"DepthwiseRelu",
       {.depthwise = true,
        .c_in = 12,
        .c_out = 12,
        .kernel = 5,
        .stride = 2,
        .act_low = 0,
        .act_high = inf}},
      {"DepthwiseBias",
       {.depthwise = true,
        .c_in = 9,
        .c_out = 9,
        .kernel = 3,
        .batch_norm = false}},
      {"DenseBiasRelu",
       {.c_in = 2,
        .c_out = 4,
        .kernel = 3,
        .batch_norm = false,
        .act_low = 0,
        .act_high = inf}},
      {"NormAfterActivation",
       {.c_in = 3,
        .c_out = 5,
        .kernel = 3,
        .norm_after_activation = true,
        .act_low = 0,
        .act_high = inf}}};
}

class ConvUnitTest : public testing::TestWithParam<Case> {
 protected:
  ConvUnitTest() : options_(GetParam().options) {
    SetComputeThreads(1);  // a second thread would only add waiting
    options_.name = "unit";
    unit_ = std::make_unique<ConvUnit>(options_, Random(4));
    src_ = RandomTensor({3, 6, 5, options_.c_in}, 5);
    uint64_t seed = 6;
    for (Parameter* p : unit_->parameters()) {
      if (p->name == "unit.weight") continue;
      Random random(seed++);
      for (float& value : p->value) {
        value += static_cast<float>(random.Uniform(-0.5, 0.5));
      }
    }
  }

  const Values& Value(const std::string& suffix) {
    for (Parameter* p : unit_->parameters()) {
      if (p->name == "unit." + suffix) return p->value;
    }
    ADD_FAILURE() << suffix;
    static const Values none;
    return none;
  }

  // The convolution alone, by the reference.
  Values Convolve() {
    const ConvShape shape = {.n = 3,
                             .h = 6,
                             .w = 5,
                             .c_in = options_.c_in,
                             .c_out = options_.c_out,
                             .kernel = options_.kernel,
                             .stride = options_.stride};
    Values y(static_cast<size_t>(shape.dst_elements()));
    const auto forward = options_.depthwise ? reference::DepthwiseForward
                                            : reference::ConvForward;
    forward(shape, src_.data(), Value("weight").data(), y.data());
    return y;
  }

  Values AddBias(Values y) {
    for (size_t i = 0; i < y.size(); ++i) {
      y[i] += Value("bias")[i % options_.c_out];
    }
    return y;
  }

  Values Activate(const Values& v) {
    return reference::ClampForward(v, options_.act_low, options_.act_high);
  }

  // The unit in kTrain, step by step.
  Values ReferenceForward() {
    const Values y = Convolve();
    if (!options_.batch_norm) return Activate(AddBias(y));
    const reference::BatchNorm norm = {.gamma = Value("gamma"),
                                       .beta = Value("beta")};
    const auto normalise = [&](const Values& v) {
      return reference::BatchNormForward(
          norm, reference::BatchMoments(v, options_.c_out), v);
    };
    if (options_.norm_after_activation) return normalise(Activate(AddBias(y)));
    return Activate(normalise(y));
  }

  const Tensor& Forward(Mode mode) {
    unit_->Forward({&src_}, mode, dst_);
    return dst_;
  }

  ConvUnitOptions options_;
  std::unique_ptr<ConvUnit> unit_;
  Tensor src_, dst_;
};

TEST_P(ConvUnitTest, ForwardAgreesWithTheReference) {
  const Values expected = ReferenceForward();
  ExpectNear(Forward(Mode::kProbe), expected, "probe");
  ExpectNear(Forward(Mode::kTrain), expected, "train");
}

TEST_P(ConvUnitTest, GradientsAgreeWithDifferences) {
  Tensor diff_dst = RandomTensor(Forward(Mode::kTrain).shape(), 7);
  const Values weights = ValuesOf(diff_dst);
  Tensor diff_src;
  Tensor* const wanted[] = {&diff_src};
  const Tensor* const src[] = {&src_};
  unit_->Backward(src, diff_dst, wanted);
  std::vector<CheckedTensor> tensors = {{"src", src_.span(), diff_src.span()}};
  for (Parameter* p : unit_->parameters()) {
    tensors.push_back({p->name, absl::MakeSpan(p->value), p->grad});
  }
  EXPECT_TRUE(CheckGradients(
      [&] { return WeightedSum(Forward(Mode::kTrain).span(), weights); },
      tensors, {.step = 5e-4, .absolute = 1e-2, .relative = 1e-2}));
}

TEST_P(ConvUnitTest, GradientsOfParametersAreAdded) {
  const Tensor diff = RandomTensor(Forward(Mode::kTrain).shape(), 8);
  const Tensor* const src[] = {&src_};
  Tensor* const none[] = {nullptr};
  Tensor scratch = diff.Clone();
  unit_->Backward(src, scratch, none);
  std::vector<Values> once;
  for (Parameter* p : unit_->parameters()) once.push_back(p->grad);
  Forward(Mode::kTrain);
  scratch = diff.Clone();
  unit_->Backward(src, scratch, none);
  for (size_t i = 0; i < once.size(); ++i) {
    const Parameter& p = *unit_->parameters()[i];
    for (size_t j = 0; j < once[i].size(); ++j) {
      EXPECT_NEAR(p.grad[j], 2 * once[i][j], 1e-4 * (1 + std::abs(once[i][j])))
          << p.name;
    }
  }
}

TEST_P(ConvUnitTest, EvaluationUsesRunningStatistics) {
  Forward(Mode::kTrain);
  if (!options_.batch_norm) {
    ExpectNear(Forward(Mode::kEval), ReferenceForward(), "no statistics");
    return;
  }
  Values v = Convolve();
  if (options_.norm_after_activation) v = Activate(AddBias(v));
  // One training step from mean 0, variance 1 with momentum 0.1.
  reference::Moments running = reference::BatchMoments(v, options_.c_out);
  const double rows = static_cast<double>(v.size()) / options_.c_out;
  for (int c = 0; c < options_.c_out; ++c) {
    running.mean[c] *= 0.1;
    running.variance[c] = 0.9 + 0.1 * running.variance[c] * rows / (rows - 1);
  }
  Values expected = reference::BatchNormForward(
      {.gamma = Value("gamma"), .beta = Value("beta")}, running, v);
  if (!options_.norm_after_activation) expected = Activate(expected);
  ExpectNear(Forward(Mode::kEval), expected, "eval");
}

TEST_P(ConvUnitTest, ProbingAndEvaluatingChangeNoState) {
  FixedQuantizer quantizer;
  unit_->SetQuantization({.weight_bits = 8, .output = &quantizer});
  std::vector<Values> before;
  for (StateBuffer* s : unit_->state()) before.push_back(s->value);
  Forward(Mode::kProbe);
  Forward(Mode::kEval);
  EXPECT_EQ(quantizer.observations, 0);
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(unit_->state()[i]->value, before[i]);
  }
}

TEST_P(ConvUnitTest, ObservesTheRangeBeforeQuantization) {
  Forward(Mode::kTrain);
  const ValueRange range = RangeOf(dst_.elements(), dst_.data());
  FixedQuantizer quantizer;
  unit_->SetQuantization({.output = &quantizer});
  Forward(Mode::kTrain);
  EXPECT_EQ(quantizer.observations, 1);
  EXPECT_NEAR(quantizer.range.min, range.min, 1e-5);
  EXPECT_NEAR(quantizer.range.max, range.max, 1e-5);
}

TEST_P(ConvUnitTest, QuantizesItsOutputInEveryMode) {
  const Values plain = ReferenceForward();
  FixedQuantizer quantizer;
  unit_->SetQuantization({.output = &quantizer});
  const Values expected =
      reference::FakeQuantizeForward(plain, quantizer.fixed);
  const Tensor& dst = Forward(Mode::kTrain);
  // A value at the border of two steps may fall to either side.
  int off = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    off += std::abs(dst.data()[i] - expected[i]) > 1e-5;
  }
  EXPECT_LE(off, static_cast<int>(expected.size() / 100));
  for (const Mode mode : {Mode::kEval, Mode::kProbe}) {
    const Values quantized = ValuesOf(Forward(mode));
    const Values again =
        reference::FakeQuantizeForward(quantized, quantizer.fixed);
    for (size_t i = 0; i < again.size(); ++i) {
      EXPECT_NEAR(quantized[i], again[i], 1e-6);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Units, ConvUnitTest, testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

TEST(ConvUnitQuantizationTest, GradientsPassInsideTheGridOnly) {
  // 1x1, one channel, no batch norm, weight 1: dst = q(src).
  ConvUnit unit({.name = "unit", .batch_norm = false}, Random(1));
  unit.parameters()[0]->value = {1};
  FixedQuantizer quantizer;  // from -0.3 to 1.7 in steps of 0.1
  unit.SetQuantization({.output = &quantizer});
  Tensor src({1, 1, 5, 1}), dst, diff_src;
  const float values[] = {-0.5f, -0.3f, 0.04f, 1.7f, 1.8f};
  std::copy_n(values, 5, src.data());
  unit.Forward({&src}, Mode::kTrain, dst);
  Tensor diff({1, 1, 5, 1});
  for (int i = 0; i < 5; ++i) diff.data()[i] = static_cast<float>(i + 1);
  const Tensor* const sources[] = {&src};
  Tensor* const wanted[] = {&diff_src};
  unit.Backward(sources, diff, wanted);
  EXPECT_THAT(ValuesOf(diff_src), testing::ElementsAre(0, 2, 3, 4, 0));
  EXPECT_NEAR(dst.data()[2], 0, 1e-6);
}

TEST(ConvUnitQuantizationTest, ZeroFiltersAndConstantChannelsStayFinite) {
  ConvUnit unit({.name = "unit", .c_in = 4, .c_out = 4, .act_low = 0},
                Random(1));
  std::fill_n(unit.parameters()[0]->value.begin(), 8, 0.0f);
  FixedQuantizer quantizer;
  quantizer.fixed.scale = 0;
  unit.SetQuantization({.weight_bits = 8, .output = &quantizer});
  Tensor src = RandomTensor({2, 3, 3, 4}, 2), dst, diff_src;
  unit.Forward({&src}, Mode::kTrain, dst);
  Tensor diff = RandomTensor(dst.shape(), 3);
  const Tensor* const sources[] = {&src};
  Tensor* const wanted[] = {&diff_src};
  unit.Backward(sources, diff, wanted);
  for (float value : dst.span()) EXPECT_TRUE(std::isfinite(value));
  for (float value : diff_src.span()) EXPECT_TRUE(std::isfinite(value));
  for (Parameter* p : unit.parameters()) {
    for (float value : p->grad) EXPECT_TRUE(std::isfinite(value)) << p->name;
  }
}

// Two units in a row, their outputs and their gradients.
class Pair {
 public:
  Pair(const ConvUnitOptions& first, const ConvUnitOptions& second, bool join,
       bool quantize = true)
      : first_(first, Random(1)), second_(second, Random(2)) {
    if (join) {
      EXPECT_TRUE(first_.FinishLater(second_));
    }
    if (!quantize) return;
    for (ConvUnit* unit : {&first_, &second_}) {
      quantizers_.push_back(std::make_unique<FixedQuantizer>());
      unit->SetQuantization(
          {.weight_bits = 8, .output = quantizers_.back().get()});
    }
  }

  // Everything a training step, a probe and an evaluation leave behind.
  std::vector<Values> Step() {
    const Tensor src = RandomTensor({40, 8, 8, 6}, 3);
    std::vector<Values> left = {Forward(src, Mode::kTrain)};
    Tensor diff = RandomTensor(dst_.shape(), 4), diff_middle, diff_src;
    Tensor* const to_middle[] = {&diff_middle};
    Tensor* const to_src[] = {&diff_src};
    const Tensor* const middle[] = {&middle_};
    const Tensor* const source[] = {&src};
    second_.Backward(middle, diff, to_middle);
    first_.Backward(source, diff_middle, to_src);
    left.push_back(ValuesOf(diff_src));
    for (ConvUnit* unit : {&first_, &second_}) {
      for (const Parameter* p : unit->parameters()) left.push_back(p->grad);
      for (const StateBuffer* s : unit->state()) left.push_back(s->value);
    }
    for (const auto& quantizer : quantizers_) {
      left.push_back({quantizer->range.min, quantizer->range.max});
    }
    left.push_back(Forward(src, Mode::kProbe));
    left.push_back(Forward(src, Mode::kEval));
    return left;
  }

 private:
  Values Forward(const Tensor& src, Mode mode) {
    first_.Forward({&src}, mode, middle_);
    second_.Forward({&middle_}, mode, dst_);
    return ValuesOf(dst_);
  }

  ConvUnit first_, second_;
  std::vector<std::unique_ptr<FixedQuantizer>> quantizers_;
  Tensor middle_, dst_;
};

TEST(JoinedUnitsTest, ComputeWhatSeparateOnesDo) {
  const float inf = Epilogue::kInfinity;
  const ConvUnitOptions expand = {
      .name = "expand", .c_in = 6, .c_out = 24, .act_low = 0, .act_high = inf};
  const ConvUnitOptions biased = {.name = "biased",
                                  .c_in = 6,
                                  .c_out = 24,
                                  .batch_norm = false,
                                  .act_low = 0,
                                  .act_high = 6};
  const ConvUnitOptions stem = {.name = "stem",
                                .c_in = 6,
                                .c_out = 24,
                                .kernel = 3,
                                .stride = 2,
                                .act_low = 0,
                                .act_high = inf};
  const ConvUnitOptions depthwise = {.name = "depthwise",
                                     .depthwise = true,
                                     .c_in = 24,
                                     .c_out = 24,
                                     .kernel = 5,
                                     .stride = 2,
                                     .act_low = 0,
                                     .act_high = inf};
  const ConvUnitOptions project = {.name = "project", .c_in = 24, .c_out = 8};
  for (const int threads : {1, 2}) {
    SetComputeThreads(threads);
    for (const ConvUnitOptions* first : {&expand, &biased, &stem}) {
      for (const ConvUnitOptions* second : {&depthwise, &project}) {
        const std::vector<Values> apart = Pair(*first, *second, false).Step();
        const std::vector<Values> joined = Pair(*first, *second, true).Step();
        ASSERT_EQ(apart.size(), joined.size());
        for (size_t i = 0; i < apart.size(); ++i) {
          ASSERT_EQ(apart[i].size(), joined[i].size());
          for (size_t j = 0; j < apart[i].size(); ++j) {
            ASSERT_NEAR(joined[i][j], apart[i][j],
                        1e-4 * (1 + std::abs(apart[i][j])))
                << first->name << ", " << second->name << ", item " << i;
          }
        }
      }
    }
  }
}

// Size of the difference, relative to `expected`.
double RelativeDifference(const Values& actual, const Values& expected) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    difference += std::pow(double{actual[i]} - expected[i], 2);
    size += std::pow(double{expected[i]}, 2);
  }
  return std::sqrt(difference / std::max(size, 1e-12));
}

// Channels enough for products in bfloat16, and rows for several chunks.
// Without quantization: rounding may move a value over the border of two steps.
TEST(MixedPrecisionTest, ComputesNearlyWhatSinglePrecisionDoes) {
  const float inf = Epilogue::kInfinity;
  ConvUnitOptions first = {
      .name = "expand", .c_in = 6, .c_out = 48, .act_low = 0, .act_high = inf};
  ConvUnitOptions depthwise = {.name = "depthwise",
                               .depthwise = true,
                               .c_in = 48,
                               .c_out = 48,
                               .kernel = 3,
                               // A norm would undo the first unit's scales, and
                               // leave their gradients about 0.
                               .batch_norm = false,
                               .act_low = 0,
                               .act_high = inf};
  ConvUnitOptions project = {.name = "project", .c_in = 48, .c_out = 40};
  for (const bool join : {false, true}) {
    for (ConvUnitOptions* second : {&depthwise, &project}) {
      first.precision = second->precision = Precision::kFloat32;
      const std::vector<Values> expected =
          Pair(first, *second, join, false).Step();
      first.precision = second->precision = Precision::kMixed;
      const std::vector<Values> mixed =
          Pair(first, *second, join, false).Step();
      ASSERT_EQ(mixed.size(), expected.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        EXPECT_LE(RelativeDifference(mixed[i], expected[i]), 0.03)
            << second->name << ", joined " << join << ", item " << i;
      }
      EXPECT_NE(mixed[1], expected[1]) << "nothing was rounded";
    }
  }
}

TEST(JoinedUnitsTest, AreNotMadeWhereOneOfThemNeedsWholeTensors) {
  ConvUnit normed({.name = "normed", .c_out = 4, .norm_after_activation = true},
                  Random(1));
  ConvUnit pointwise({.name = "pointwise", .c_in = 4, .c_out = 4}, Random(2));
  ConvUnit dense({.name = "dense", .c_in = 4, .c_out = 4, .kernel = 3},
                 Random(3));
  EXPECT_FALSE(normed.FinishLater(pointwise));
  EXPECT_FALSE(pointwise.FinishLater(dense));
}

}  // namespace
}  // namespace frostnas::nn
