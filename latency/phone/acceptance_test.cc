#include "latency/phone/acceptance.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::latency {
namespace {

using ::testing::HasSubstr;

v1::Conditions Warm(double temperature_c) {
  v1::Conditions conditions;
  conditions.set_temperature_c(temperature_c);
  for (int core = 0; core < 4; ++core) {
    conditions.add_core_khz(1800000);
    conditions.add_governor("schedutil");
  }
  return conditions;
}

v1::Measurement Good() {
  v1::Measurement measurement;
  measurement.set_verdict(v1::MEASUREMENT_VERDICT_ACCEPTED);
  *measurement.mutable_before() = Warm(30);
  *measurement.mutable_after() = Warm(33);
  return measurement;
}

TEST(AcceptanceTest, AcceptsACoolQuietMeasurement) {
  EXPECT_EQ(Judge({}, Good()).acceptance, Acceptance::kAccept);
}

TEST(AcceptanceTest, AcceptsAPhoneWithoutSensors) {
  v1::Measurement measurement = Good();
  measurement.mutable_before()->set_temperature_c(-1000);
  measurement.mutable_after()->set_temperature_c(-1000);
  EXPECT_EQ(Judge({}, measurement).acceptance, Acceptance::kAccept);
}

TEST(AcceptanceTest, CoolsDownAHotPhone) {
  EXPECT_EQ(JudgeStart({}, Warm(41), false).acceptance, Acceptance::kAccept);
  EXPECT_EQ(JudgeStart({}, Warm(41), true).acceptance, Acceptance::kCoolDown);
  EXPECT_EQ(JudgeStart({}, Warm(37), true).acceptance, Acceptance::kAccept);
  const AcceptanceResult hot = JudgeStart({}, Warm(48), false);
  EXPECT_EQ(hot.acceptance, Acceptance::kCoolDown);
  EXPECT_THAT(hot.reason, HasSubstr("48.0 degrees"));
}

TEST(AcceptanceTest, WhatBecameHotDoesNotCount) {
  v1::Measurement measurement = Good();
  *measurement.mutable_after() = Warm(43);
  EXPECT_EQ(Judge({}, measurement).acceptance, Acceptance::kCoolDown);
}

TEST(AcceptanceTest, ThrottlingCoolsDown) {
  v1::Measurement measurement = Good();
  measurement.set_slope(0.2);
  const AcceptanceResult result = Judge({}, measurement);
  EXPECT_EQ(result.acceptance, Acceptance::kCoolDown);
  EXPECT_THAT(result.reason, HasSubstr("20 % slower"));
}

TEST(AcceptanceTest, NoiseIsTriedAgain) {
  v1::Measurement measurement = Good();
  measurement.set_verdict(v1::MEASUREMENT_VERDICT_NOISY);
  EXPECT_EQ(Judge({}, measurement).acceptance, Acceptance::kMeasureAgain);
}

TEST(AcceptanceTest, AnotherGovernorRejects) {
  v1::Measurement measurement = Good();
  measurement.mutable_after()->set_governor(2, "powersave");
  const AcceptanceResult result = Judge({}, measurement);
  EXPECT_EQ(result.acceptance, Acceptance::kReject);
  EXPECT_THAT(result.reason, HasSubstr("core 2"));
}

TEST(AcceptanceTest, AnotherNumberOfCoresRejects) {
  v1::Measurement measurement = Good();
  measurement.mutable_after()->set_core_khz(3, 0);
  EXPECT_EQ(Judge({}, measurement).acceptance, Acceptance::kReject);
}

// A governor may lower a core's frequency in between; that alone says nothing.
TEST(AcceptanceTest, FrequenciesMayMove) {
  v1::Measurement measurement = Good();
  measurement.mutable_after()->set_core_khz(0, 600000);
  EXPECT_EQ(Judge({}, measurement).acceptance, Acceptance::kAccept);
}

}  // namespace
}  // namespace frostnas::latency
