#include "latency/phone/phone_life.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::latency {
namespace {

using ::testing::HasSubstr;

class PhoneLifeTest : public testing::Test {
 protected:
  // A lease that ends so, and the cleaning after it.
  void Use(PhoneFinding finding) {
    ASSERT_TRUE(life_.Lease()) << life_.Text();
    life_.Release(finding, "used");
    ASSERT_EQ(life_.Chore(), PhoneChore::kClean);
    life_.Done(PhoneFinding::kHealthy, "");
  }
  void SignUp() { life_.Done(PhoneFinding::kHealthy, ""); }

  PhoneLife life_{{.reboot_after = 3, .quarantine_after = 2}};
};

TEST_F(PhoneLifeTest, OnlyASignUpMakesAFreshPhoneClean) {
  EXPECT_EQ(life_.state(), PhoneState::kSigningUp);
  EXPECT_EQ(life_.Chore(), PhoneChore::kSignUp);
  EXPECT_FALSE(life_.Lease());
  SignUp();
  EXPECT_EQ(life_.state(), PhoneState::kClean);
  EXPECT_TRUE(life_.Lease());
  EXPECT_FALSE(life_.Lease());
  EXPECT_EQ(life_.Chore(), PhoneChore::kNone);
}

TEST_F(PhoneLifeTest, ALeaseLeavesItDirtyUntilItWasCleaned) {
  SignUp();
  ASSERT_TRUE(life_.Lease());
  life_.Release(PhoneFinding::kHealthy, "");
  EXPECT_EQ(life_.state(), PhoneState::kDirty);
  EXPECT_FALSE(life_.Lease());
  life_.Done(PhoneFinding::kHealthy, "");
  EXPECT_EQ(life_.state(), PhoneState::kClean);
}

TEST_F(PhoneLifeTest, CoolsDownAndComesBack) {
  SignUp();
  ASSERT_TRUE(life_.Lease());
  life_.Release(PhoneFinding::kHot, "48 degrees");
  life_.Done(PhoneFinding::kHot, "47 degrees");
  EXPECT_EQ(life_.state(), PhoneState::kCooling);
  EXPECT_EQ(life_.Text(), "cooling: 47 degrees");
  EXPECT_FALSE(life_.Lease());
  life_.Done(PhoneFinding::kHot, "39 degrees");
  EXPECT_EQ(life_.Chore(), PhoneChore::kCheck);
  life_.Done(PhoneFinding::kHealthy, "");
  EXPECT_EQ(life_.Text(), "clean");
}

TEST_F(PhoneLifeTest, AMissingPhoneSignsUpAgain) {
  SignUp();
  ASSERT_TRUE(life_.Lease());
  life_.Release(PhoneFinding::kMissing, "offline");
  EXPECT_EQ(life_.state(), PhoneState::kMissing);
  EXPECT_EQ(life_.Chore(), PhoneChore::kSignUp);
  life_.Done(PhoneFinding::kMissing, "offline");
  EXPECT_EQ(life_.state(), PhoneState::kMissing);
  SignUp();
  EXPECT_EQ(life_.state(), PhoneState::kClean);
}

TEST_F(PhoneLifeTest, FaultsInARowRebootIt) {
  SignUp();
  Use(PhoneFinding::kFault);
  Use(PhoneFinding::kFault);
  EXPECT_EQ(life_.state(), PhoneState::kClean);
  Use(PhoneFinding::kFault);
  EXPECT_EQ(life_.state(), PhoneState::kUnhealthy);
  EXPECT_EQ(life_.Chore(), PhoneChore::kReboot);
  life_.Rebooted();
  EXPECT_EQ(life_.state(), PhoneState::kRebooting);
  EXPECT_EQ(life_.Chore(), PhoneChore::kSignUp);
  life_.Done(PhoneFinding::kMissing, "starting");
  EXPECT_EQ(life_.state(), PhoneState::kRebooting);
  SignUp();
  EXPECT_EQ(life_.state(), PhoneState::kClean);
}

TEST_F(PhoneLifeTest, AMeasurementThatWorksForgivesFaults) {
  SignUp();
  for (int i = 0; i < 10; ++i) {
    Use(PhoneFinding::kFault);
    Use(PhoneFinding::kFault);
    Use(PhoneFinding::kHealthy);
  }
  EXPECT_EQ(life_.state(), PhoneState::kClean);
}

TEST_F(PhoneLifeTest, HeatIsNoFault) {
  SignUp();
  for (int i = 0; i < 10; ++i) Use(PhoneFinding::kHot);
  EXPECT_EQ(life_.state(), PhoneState::kClean);
}

TEST_F(PhoneLifeTest, IsQuarantinedWhenRebootsDoNotHelp) {
  SignUp();
  for (int reboot = 0; reboot < 2; ++reboot) {
    for (int i = 0; i < 3; ++i) Use(PhoneFinding::kFault);
    ASSERT_EQ(life_.Chore(), PhoneChore::kReboot);
    life_.Rebooted();
    SignUp();
  }
  for (int i = 0; i < 3; ++i) Use(PhoneFinding::kFault);
  EXPECT_EQ(life_.state(), PhoneState::kQuarantined);
  EXPECT_EQ(life_.Chore(), PhoneChore::kNone);
  EXPECT_THAT(life_.Text(), HasSubstr("2 reboots did not help"));
  EXPECT_FALSE(life_.Lease());
}

TEST_F(PhoneLifeTest, SignUpsThatFailCountToo) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(life_.Chore(), PhoneChore::kSignUp) << i;
    life_.Done(PhoneFinding::kFault, "no space left");
  }
  EXPECT_EQ(life_.Chore(), PhoneChore::kReboot);
}

TEST_F(PhoneLifeTest, AnotherPhoneUnderItsSerialIsQuarantined) {
  SignUp();
  ASSERT_TRUE(life_.Lease());
  life_.Release(PhoneFinding::kMissing, "offline");
  life_.Done(PhoneFinding::kChanged, "was a Pixel");
  EXPECT_EQ(life_.state(), PhoneState::kQuarantined);
  EXPECT_EQ(life_.Text(), "quarantined: was a Pixel");
}

}  // namespace
}  // namespace frostnas::latency
