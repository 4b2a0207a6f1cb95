// Concat, Add, pooling, dropout and linear against their references.
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/kernels/reference_ops.h"
#include "nn/modules/dropout.h"
#include "nn/modules/linear.h"
#include "nn/modules/merge.h"
#include "nn/modules/pool.h"
#include "nn/testing/gradient_check.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

using reference::Values;
using ::testing::Pointwise;

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

MATCHER(Near, "") {
  return std::abs(std::get<0>(arg) - std::get<1>(arg)) < 1e-5;
}

// What a module gives for sources and a gradient.
struct Result {
  Values dst;
  Values diff_dst;
  std::vector<Values> diff_src;
};

Result RunModule(Module& module, const std::vector<const Tensor*>& src) {
  Tensor dst;
  module.Forward(src, Mode::kTrain, dst);
  Tensor diff = RandomTensor(dst.shape(), 9);
  Result run = {.dst = ValuesOf(dst), .diff_dst = ValuesOf(diff)};
  std::vector<Tensor> diffs(src.size());
  std::vector<Tensor*> wanted;
  for (Tensor& d : diffs) wanted.push_back(&d);
  module.Backward(src, diff, absl::MakeSpan(wanted));
  for (const Tensor& d : diffs) run.diff_src.push_back(ValuesOf(d));
  return run;
}

TEST(MergeTest, ConcatAgreesWithTheReference) {
  const Tensor a = RandomTensor({2, 4, 4, 5}, 1);
  const Tensor b = RandomTensor({2, 4, 4, 8}, 2);
  Concat concat;
  const Result run = RunModule(concat, {&a, &b});
  EXPECT_EQ(run.dst, reference::Concat(ValuesOf(a), 5, ValuesOf(b), 8));
  EXPECT_EQ(run.diff_src[0], reference::Slice(run.diff_dst, 13, 0, 5));
  EXPECT_EQ(run.diff_src[1], reference::Slice(run.diff_dst, 13, 5, 8));
}

TEST(MergeTest, AddAgreesWithTheReference) {
  const Tensor a = RandomTensor({2, 4, 4, 5}, 1);
  const Tensor b = RandomTensor({2, 4, 4, 5}, 2);
  Add add;
  const Result run = RunModule(add, {&a, &b});
  EXPECT_EQ(run.dst, reference::Add(ValuesOf(a), ValuesOf(b)));
  EXPECT_TRUE(add.passes_gradient());
  EXPECT_EQ(run.diff_src[0], run.diff_dst);
  EXPECT_EQ(run.diff_src[1], run.diff_dst);
}

TEST(PoolTest, MaxPoolAgreesWithTheReference) {
  for (const int stride : {1, 2, 3}) {
    const Tensor src = RandomTensor({3, 9, 9, 5}, 1);
    const reference::Pool pool = {src.shape(), 3, stride};
    MaxPool module(3, stride);
    const Result run = RunModule(module, {&src});
    EXPECT_EQ(run.dst, reference::MaxPoolForward(pool, ValuesOf(src)));
    EXPECT_THAT(run.diff_src[0],
                Pointwise(Near(), reference::MaxPoolBackward(
                                      pool, ValuesOf(src), run.diff_dst)));
  }
}

TEST(PoolTest, GlobalPoolsAgreeWithTheReference) {
  const Tensor src = RandomTensor({3, 7, 7, 10}, 2);
  const reference::Pool pool = {src.shape(), 7, 1};
  GlobalAveragePool average;
  Result run = RunModule(average, {&src});
  EXPECT_THAT(run.dst, Pointwise(Near(), reference::AveragePoolForward(
                                             pool, ValuesOf(src))));
  EXPECT_THAT(run.diff_src[0], Pointwise(Near(), reference::AveragePoolBackward(
                                                     pool, run.diff_dst)));
  GlobalMaxPool max;
  run = RunModule(max, {&src});
  EXPECT_EQ(run.dst, reference::MaxPoolForward(pool, ValuesOf(src)));
  EXPECT_EQ(run.diff_src[0],
            reference::MaxPoolBackward(pool, ValuesOf(src), run.diff_dst));
}

TEST(LinearTest, AgreesWithTheReference) {
  const Tensor src = RandomTensor({5, 1, 1, 12}, 3);
  Linear linear("fc", 12, 7, Random(4));
  Parameter& weight = *linear.parameters()[0];
  Parameter& bias = *linear.parameters()[1];
  bias.value = ValuesOf(RandomTensor({1, 1, 1, 7}, 5));
  bias.grad[0] = 100;  // added to
  const Result run = RunModule(linear, {&src});
  const reference::LinearShape shape = {5, 12, 7};
  EXPECT_THAT(run.dst, Pointwise(Near(), reference::LinearForward(
                                             shape, ValuesOf(src), weight.value,
                                             bias.value)));
  reference::LinearGradients expected = reference::LinearBackward(
      shape, ValuesOf(src), weight.value, run.diff_dst);
  expected.diff_bias[0] += 100;
  EXPECT_THAT(run.diff_src[0], Pointwise(Near(), expected.diff_src));
  EXPECT_THAT(weight.grad, Pointwise(Near(), expected.diff_weights));
  for (int c = 0; c < 7; ++c) {
    EXPECT_NEAR(bias.grad[c], expected.diff_bias[c], 1e-4);
  }
}

TEST(DropoutTest, DropsAboutItsShareAndRepeatsFromAStep) {
  Tensor src({64, 1, 1, 100});
  for (float& value : src.span()) value = 1;
  Dropout dropout("drop", 0.2f, Random(6));
  const Result first = RunModule(dropout, {&src});
  int dropped = 0;
  std::vector<bool> mask;
  for (float value : first.dst) {
    mask.push_back(value == 0);
    dropped += value == 0;
  }
  // 6400 draws with probability 0.2: five standard deviations are 160.
  EXPECT_NEAR(dropped, 1280, 160);
  EXPECT_EQ(first.dst, reference::Dropout(ValuesOf(src), mask, 0.2f));
  EXPECT_THAT(
      first.diff_src[0],
      Pointwise(Near(), reference::Dropout(first.diff_dst, mask, 0.2f)));

  EXPECT_NE(RunModule(dropout, {&src}).dst, first.dst);
  dropout.state()[0]->value = {0};
  EXPECT_EQ(RunModule(dropout, {&src}).dst, first.dst);
}

TEST(DropoutTest, IsTheSameForEveryNumberOfThreads) {
  // Enough for all, in parts that start anywhere in a block of draws.
  const Tensor src = RandomTensor({1, 1, 1, 20'003}, 8);
  Result one;
  for (const int threads : {1, 2, 3}) {
    const ScopedComputeThreads scoped(threads);
    Dropout dropout("drop", 0.5f, Random(6));
    const Result result = RunModule(dropout, {&src});
    if (threads == 1) one = result;
    EXPECT_EQ(result.dst, one.dst) << threads;
    EXPECT_EQ(result.diff_src, one.diff_src) << threads;
  }
}

TEST(DropoutTest, IsTheIdentityOutsideTraining) {
  const Tensor src = RandomTensor({2, 1, 1, 8}, 7);
  Dropout dropout("drop", 0.5f, Random(6));
  Tensor dst;
  for (const Mode mode : {Mode::kEval, Mode::kProbe}) {
    dropout.Forward({&src}, mode, dst);
    EXPECT_EQ(ValuesOf(dst), ValuesOf(src));
  }
  EXPECT_EQ(dropout.state()[0]->value[0], 0);
}

}  // namespace
}  // namespace frostnas::nn
