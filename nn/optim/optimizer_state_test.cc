#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/optim/optimizer.h"
#include "nn/parameter.h"

namespace frostnas::nn {
namespace {

using ::testing::HasSubstr;

// Two parameters under one optimizer.
struct Training {
  explicit Training(const OptimizerOptions& options) {
    optimizer = *Optimizer::Create(options, {&a, &b});
  }

  void Step(int step) {
    Random random = Random(4).Split(step);
    for (Parameter* p : {&a, &b}) {
      for (float& g : p->grad) g = static_cast<float>(random.Normal());
    }
    optimizer->Step(0.01);
  }

  Parameter a = {.name = "a",
                 .shape = {1, 1, 1, 3},
                 .value = {1, 2, 3},
                 .grad = std::vector<float>(3)};
  Parameter b = {.name = "b",
                 .role = ParameterRole::kNorm,
                 .shape = {1},
                 .value = {4},
                 .grad = std::vector<float>(1)};
  std::unique_ptr<Optimizer> optimizer;
};

std::vector<OptimizerOptions> AllKinds() {
  const GradBoostOptions boost = {.mode = GradBoostMode::kCorrected};
  return {{.kind = OptimizerKind::kSgd, .grad_boost = boost},
          {.kind = OptimizerKind::kRmsprop, .grad_boost = boost},
          {.kind = OptimizerKind::kAdam, .amsgrad = true, .grad_boost = boost},
          {.kind = OptimizerKind::kAdamW},
          {.kind = OptimizerKind::kMuon, .grad_boost = boost}};
}

TEST(OptimizerStateTest, RestoredTrainingContinuesBitForBit) {
  for (const OptimizerOptions& options : AllKinds()) {
    Training first(options);
    first.Step(0);
    first.optimizer->StartBoosting();
    first.Step(1);
    const std::string state = first.optimizer->SaveState();

    Training second(options);
    second.a.value = first.a.value;
    second.b.value = first.b.value;
    ASSERT_TRUE(second.optimizer->LoadState(state).ok());
    EXPECT_EQ(second.optimizer->SaveState(), state);
    for (int step = 2; step < 6; ++step) {
      first.Step(step);
      second.Step(step);
    }
    EXPECT_EQ(first.a.value, second.a.value);
    EXPECT_EQ(first.b.value, second.b.value);
  }
}

TEST(OptimizerStateTest, AnythingButAWholeStateIsRefusedAndChangesNothing) {
  for (const OptimizerOptions& options : AllKinds()) {
    Training training(options);
    training.Step(0);
    const std::string state = training.optimizer->SaveState();
    for (size_t size = 0; size < state.size(); ++size) {
      EXPECT_EQ(training.optimizer->LoadState(state.substr(0, size)).code(),
                absl::StatusCode::kInvalidArgument)
          << size;
    }
    EXPECT_EQ(training.optimizer->LoadState(state + "x").code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(training.optimizer->SaveState(), state);
  }
}

TEST(OptimizerStateTest, DamagedBytesNeverCrash) {
  Training training({.kind = OptimizerKind::kAdam});
  training.Step(0);
  const std::string state = training.optimizer->SaveState();
  int refused = 0;
  for (size_t i = 0; i < state.size(); ++i) {
    for (const char mask : {'\x01', '\x80', '\xff'}) {
      std::string damaged = state;
      damaged[i] = static_cast<char>(damaged[i] ^ mask);
      refused += !training.optimizer->LoadState(damaged).ok();
    }
  }
  // What is left are other finite values of the state.
  EXPECT_GT(refused, static_cast<int>(state.size()));
}

TEST(OptimizerStateTest, StateOfOtherOptionsOrParametersIsRefused) {
  Training training({});
  const std::string state = training.optimizer->SaveState();

  Training other_options({.momentum = 0.8});
  const absl::Status options = other_options.optimizer->LoadState(state);
  EXPECT_EQ(options.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(options.message()), HasSubstr("momentum 0.8"));

  Training other_name({});
  other_name.b.name = "c";
  const absl::Status name = other_name.optimizer->LoadState(state);
  EXPECT_EQ(name.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(name.message()), HasSubstr("'b'"));

  Parameter alone = training.a;
  auto fewer = *Optimizer::Create({}, {&alone});
  EXPECT_THAT(std::string(fewer->LoadState(state).message()),
              HasSubstr("2 parameters"));

  Parameter wide = training.a;
  wide.value.resize(9);
  auto wider = *Optimizer::Create({}, {&wide, &training.b});
  EXPECT_THAT(std::string(wider->LoadState(state).message()),
              HasSubstr("3 values where 9 belong"));
}

TEST(OptimizerStateTest, ValuesThatAreNotFiniteAreRefused) {
  Training training({});
  training.Step(0);
  std::string state = training.optimizer->SaveState();
  // The last array but two empty ones and an empty pair is b's velocity.
  const float velocity = training.b.grad[0];
  const size_t at = state.rfind(
      std::string(reinterpret_cast<const char*>(&velocity), sizeof(velocity)));
  ASSERT_NE(at, std::string::npos);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(state.data() + at, &nan, sizeof(nan));
  const absl::Status status = training.optimizer->LoadState(state);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("not finite"));
}

}  // namespace
}  // namespace frostnas::nn
