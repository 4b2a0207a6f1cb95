#include "nn/optim/schedule.h"

#include <cmath>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::nn {
namespace {

using ::testing::HasSubstr;

TEST(ScheduleTest, WarmsUpLinearly) {
  const Schedule schedule = {
      .base_rate = 0.8, .total_steps = 100, .warmup_steps = 4};
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 0), 0.2);
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 1), 0.4);
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 3), 0.8);
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 4), 0.8);
  EXPECT_LT(LearningRate(schedule, 5), 0.8);
}

TEST(ScheduleTest, CosineFallsToTheFinalRate) {
  const Schedule schedule = {.base_rate = 2, .total_steps = 8};
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 0), 2);
  EXPECT_NEAR(LearningRate(schedule, 2), 1 + std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(LearningRate(schedule, 4), 1, 1e-12);
  EXPECT_NEAR(LearningRate(schedule, 8), 0, 1e-12);
  EXPECT_NEAR(LearningRate(schedule, 1000), 0, 1e-12);
  Schedule floored = schedule;
  floored.final_rate = 0.5;
  EXPECT_DOUBLE_EQ(LearningRate(floored, 8), 0.5);
  EXPECT_NEAR(LearningRate(floored, 4), 1, 1e-12);
}

TEST(ScheduleTest, StepsDownEverySoManySteps) {
  const Schedule schedule = {.kind = ScheduleKind::kStep,
                             .base_rate = 1,
                             .total_steps = 100,
                             .warmup_steps = 2,
                             .decay_every = 10,
                             .decay_factor = 0.5};
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 11), 1);
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 12), 0.5);
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 21), 0.5);
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 22), 0.25);
}

TEST(ScheduleTest, ConstantStaysTheSame) {
  const Schedule schedule = {
      .kind = ScheduleKind::kConstant, .base_rate = 0.3, .total_steps = 10};
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 0), 0.3);
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 10), 0.3);
}

TEST(ScheduleTest, FieldsOutOfRangeAreNamed) {
  EXPECT_TRUE(CheckSchedule({}).ok());
  const auto message = [](const Schedule& schedule) {
    const absl::Status status = CheckSchedule(schedule);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(message({.base_rate = 0}), HasSubstr("base_rate"));
  EXPECT_THAT(message({.base_rate = nan}), HasSubstr("base_rate"));
  EXPECT_THAT(message({.final_rate = 1}), HasSubstr("final_rate"));
  EXPECT_THAT(message({.total_steps = 0}), HasSubstr("total_steps"));
  EXPECT_THAT(message({.warmup_steps = 2}), HasSubstr("warmup_steps"));
  EXPECT_THAT(message({.decay_every = 0}), HasSubstr("decay_every"));
  EXPECT_THAT(message({.decay_factor = 1.5}), HasSubstr("decay_factor"));
}

}  // namespace
}  // namespace frostnas::nn
