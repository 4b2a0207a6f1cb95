#include "nn/optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/optim/orthogonalize.h"
#include "nn/parameter.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

using ::testing::HasSubstr;

Parameter MakeParameter(std::string name, ParameterRole role, int count) {
  Random random = Random(1).Split(name);
  Parameter p;
  p.name = name;
  p.role = role;
  p.shape = {count};
  for (int i = 0; i < count; ++i) {
    p.value.push_back(static_cast<float>(random.Normal()));
  }
  p.grad.resize(count);
  return p;
}

void DrawGradient(int step, Parameter& p) {
  Random random = Random(2).Split(p.name).Split(step);
  for (float& g : p.grad) g = static_cast<float>(0.1 * random.Normal());
}

// One element in double precision, written from methods.md 1.6 and the papers.
struct Reference {
  OptimizerOptions options;
  double decay = 0;
  double p = 0;
  double buf = 0, v = 0, vmax = 0;
  int t = 0;

  void Step(double lr, double g) {
    ++t;
    switch (options.kind) {
      case OptimizerKind::kSgd:
        return Sgd(lr, g + decay * p);
      case OptimizerKind::kRmsprop:
        return Rmsprop(lr, g + decay * p);
      case OptimizerKind::kAdam:
        return Adam(lr, g + decay * p);
      case OptimizerKind::kAdamW:
      case OptimizerKind::kMuon:  // of what is no matrix
        p *= 1 - lr * decay;
        return Adam(lr, g);
    }
  }

  void Sgd(double lr, double g) {
    if (options.momentum != 0) {
      buf = t == 1 ? g : options.momentum * buf + (1 - options.dampening) * g;
      g = options.nesterov ? g + options.momentum * buf : buf;
    }
    p -= lr * g;
  }

  void Rmsprop(double lr, double g) {
    v = options.rms_alpha * v + (1 - options.rms_alpha) * g * g;
    buf = options.momentum * buf + g / (std::sqrt(v) + options.epsilon);
    p -= lr * buf;
  }

  void Adam(double lr, double g) {
    buf = options.beta1 * buf + (1 - options.beta1) * g;
    v = options.beta2 * v + (1 - options.beta2) * g * g;
    vmax = std::max(vmax, v);
    const double used = options.amsgrad ? vmax : v;
    const double root =
        std::sqrt(used / (1 - std::pow(options.beta2, t))) + options.epsilon;
    p -= lr * buf / (1 - std::pow(options.beta1, t)) / root;
  }
};

// Ten steps of `options` on a parameter of `role` equal the reference's.
void ExpectMatchesReference(const OptimizerOptions& options, ParameterRole role,
                            double decay) {
  constexpr int kCount = 37;  // whole vectors and a tail
  Parameter p = MakeParameter("weights", role, kCount);
  std::vector<Reference> references(kCount);
  for (int i = 0; i < kCount; ++i) {
    references[i].options = options;
    references[i].decay = decay;
    references[i].p = p.value[i];
  }
  auto optimizer = Optimizer::Create(options, {&p});
  ASSERT_TRUE(optimizer.ok()) << optimizer.status();
  for (int step = 0; step < 10; ++step) {
    const double rate = 0.1 / (step + 1);
    DrawGradient(step, p);
    (*optimizer)->Step(rate);
    for (int i = 0; i < kCount; ++i) references[i].Step(rate, p.grad[i]);
  }
  for (int i = 0; i < kCount; ++i) {
    EXPECT_NEAR(p.value[i], references[i].p, 2e-5) << "element " << i;
  }
}

TEST(OptimizerTest, EveryKindFollowsItsFormula) {
  const ParameterRole role = ParameterRole::kWeight;
  using enum OptimizerKind;
  for (const OptimizerOptions& options : std::vector<OptimizerOptions>{
           {.kind = kSgd},
           {.kind = kSgd, .nesterov = false},
           {.kind = kSgd, .momentum = 0},
           {.kind = kSgd, .dampening = 0.3, .nesterov = false},
           {.kind = kRmsprop, .epsilon = 1e-3},
           {.kind = kRmsprop, .momentum = 0, .epsilon = 1e-3},
           {.kind = kAdam},
           {.kind = kAdam, .amsgrad = true},
           {.kind = kAdamW},
           {.kind = kAdamW, .amsgrad = true},
           {.kind = kMuon}}) {
    ExpectMatchesReference(options, role, 0);
    OptimizerOptions decayed = options;
    decayed.weight_decay = 0.05;
    ExpectMatchesReference(decayed, role, 0.05);
  }
}

TEST(OptimizerTest, MuonMovesConvolutionsByTheirOrthogonalizedMomentum) {
  constexpr int64_t kRows = 6, kColumns = 3 * 3 * 5;
  Parameter p = MakeParameter("conv", ParameterRole::kWeight, kRows * kColumns);
  p.shape = {6, 3, 3, 5};
  // A pointwise one taller than wide.
  Parameter tall = MakeParameter("tall", ParameterRole::kWeight, 8 * 2);
  tall.shape = {8, 1, 1, 2};
  const OptimizerOptions options = {
      .kind = OptimizerKind::kMuon, .muon_momentum = 0.8, .weight_decay = 0.3};
  auto optimizer = *Optimizer::Create(options, {&p, &tall});
  OrthogonalizeScratch scratch;
  std::vector<float> velocity(p.value.size()), tall_velocity(16);
  for (int step = 0; step < 3; ++step) {
    DrawGradient(step, p);
    DrawGradient(step, tall);
    const auto expect = [&](const Parameter& from, int64_t rows,
                            int64_t columns, std::vector<float>& v) {
      std::vector<float> direction(v.size());
      for (size_t i = 0; i < v.size(); ++i) {
        v[i] = 0.8f * v[i] + from.grad[i];
        direction[i] = from.grad[i] + 0.8f * v[i];
      }
      Orthogonalize(rows, columns, direction.data(), scratch);
      const double taller = std::max(1.0, static_cast<double>(rows) / columns);
      std::vector<float> expected = from.value;
      for (size_t i = 0; i < v.size(); ++i) {
        expected[i] =
            static_cast<float>((1 - 0.1 * 0.3) * expected[i] -
                               0.1 * std::sqrt(taller) * direction[i]);
      }
      return expected;
    };
    const auto expected = expect(p, kRows, kColumns, velocity);
    const auto expected_tall = expect(tall, 8, 2, tall_velocity);
    optimizer->Step(0.1);
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(p.value[i], expected[i], 1e-5) << step;
    }
    for (size_t i = 0; i < expected_tall.size(); ++i) {
      ASSERT_NEAR(tall.value[i], expected_tall[i], 1e-5) << step;
    }
  }
}

TEST(OptimizerTest, DecayDependsOnTheParametersRole) {
  const OptimizerOptions options = {.weight_decay = 0.5};
  ExpectMatchesReference(options, ParameterRole::kWeight, 0.5);
  ExpectMatchesReference(options, ParameterRole::kDepthwiseWeight, 0);
  ExpectMatchesReference(options, ParameterRole::kQuantizer, 0);
  ExpectMatchesReference(options, ParameterRole::kBias, 0.005);
  ExpectMatchesReference(options, ParameterRole::kNorm, 0.005);
  const OptimizerOptions both = {.weight_decay = 0.5,
                                 .depthwise_weight_decay = 0.2};
  ExpectMatchesReference(both, ParameterRole::kWeight, 0.5);
  ExpectMatchesReference(both, ParameterRole::kDepthwiseWeight, 0.2);
}

TEST(OptimizerTest, LeavesGradientsAlone) {
  Parameter p = MakeParameter("p", ParameterRole::kWeight, 100);
  auto optimizer =
      *Optimizer::Create({.kind = OptimizerKind::kAdam,
                          .weight_decay = 0.1,
                          .grad_boost = {.mode = GradBoostMode::kCorrected}},
                         {&p});
  optimizer->StartBoosting();
  DrawGradient(0, p);
  const std::vector<float> before = p.grad;
  optimizer->Step(0.1);
  EXPECT_EQ(p.grad, before);
}

TEST(OptimizerTest, StepSomeMovesOnlyTheNamedParameters) {
  Parameter a = MakeParameter("a", ParameterRole::kWeight, 5);
  Parameter b = MakeParameter("b", ParameterRole::kWeight, 5);
  Parameter alone = b;
  auto both = *Optimizer::Create({}, {&a, &b});
  auto single = *Optimizer::Create({}, {&alone});
  const std::vector<float> a_before = a.value;
  for (int step = 0; step < 3; ++step) {
    DrawGradient(step, a);
    DrawGradient(step, b);
    alone.grad = b.grad;
    both->StepSome(0.1, {&b});
    single->Step(0.1);
  }
  EXPECT_EQ(a.value, a_before);
  EXPECT_EQ(b.value, alone.value);
}

// A tensor of more than one block and part, after some boosted steps.
std::vector<float> TrainLarge(int threads) {
  SetComputeThreads(threads);
  Parameter p = MakeParameter("large", ParameterRole::kWeight, 200001);
  auto optimizer = *Optimizer::Create(
      {.grad_boost = {.mode = GradBoostMode::kCorrected}, .seed = 5}, {&p});
  optimizer->StartBoosting();
  for (int step = 0; step < 3; ++step) {
    DrawGradient(step, p);
    optimizer->Step(0.1);
  }
  return p.value;
}

TEST(OptimizerTest, ResultDoesNotDependOnThreads) {
  const std::vector<float> one = TrainLarge(1);
  EXPECT_EQ(TrainLarge(2), one);
  EXPECT_EQ(TrainLarge(3), one);
}

TEST(OptimizerTest, BoostingStartsWhenToldAndNeedsAMode) {
  const auto after_steps = [](GradBoostMode mode, bool boost) {
    Parameter p = MakeParameter("p", ParameterRole::kWeight, 64);
    auto optimizer = *Optimizer::Create({.grad_boost = {.mode = mode}}, {&p});
    if (boost) optimizer->StartBoosting();
    for (int step = 0; step < 3; ++step) {
      DrawGradient(step, p);
      optimizer->Step(0.1);
    }
    return p.value;
  };
  using enum GradBoostMode;
  EXPECT_EQ(after_steps(kOff, true), after_steps(kOff, false));
  EXPECT_EQ(after_steps(kCorrected, false), after_steps(kOff, false));
  EXPECT_NE(after_steps(kCorrected, true), after_steps(kOff, false));
  EXPECT_NE(after_steps(kRepoExact, true), after_steps(kCorrected, true));
}

TEST(OptimizerTest, OptionsOutOfRangeAreNamed) {
  const auto message = [](const OptimizerOptions& options) {
    const auto made = Optimizer::Create(options, {});
    EXPECT_EQ(made.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(made.status().message());
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(message({.momentum = 1}), HasSubstr("momentum"));
  EXPECT_THAT(message({.momentum = nan}), HasSubstr("momentum"));
  EXPECT_THAT(message({.dampening = 0.5}), HasSubstr("dampening"));
  EXPECT_THAT(message({.rms_alpha = -1}), HasSubstr("rms_alpha"));
  EXPECT_THAT(message({.beta1 = 1}), HasSubstr("beta1"));
  EXPECT_THAT(message({.beta2 = 1}), HasSubstr("beta2"));
  EXPECT_THAT(message({.epsilon = -1e-9}), HasSubstr("epsilon"));
  EXPECT_THAT(message({.weight_decay = -1}), HasSubstr("weight_decay"));
  EXPECT_THAT(message({.grad_boost = {.clip_by = -1}}), HasSubstr("clip_by"));
  EXPECT_THAT(message({.grad_boost = {.noise_decay = 2}}),
              HasSubstr("noise_decay"));
}

}  // namespace
}  // namespace frostnas::nn
