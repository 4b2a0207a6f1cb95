#include "latency/phone/conditions.h"

#include "gtest/gtest.h"

namespace frostnas::latency {
namespace {

TEST(ConditionsTest, TemperaturesComeInThreeUnits) {
  EXPECT_EQ(ParseTemperature("41000\n"), 41);
  EXPECT_EQ(ParseTemperature("415"), 41.5);
  EXPECT_EQ(ParseTemperature(" 41 "), 41);
  EXPECT_EQ(ParseTemperature("-5000"), -5);
  EXPECT_EQ(ParseTemperature("0"), 0);
}

// Sensors that are switched off, and files that cannot be read.
TEST(ConditionsTest, OthersAreNone) {
  for (const char* text : {"", "n/a", "-274000", "999999", "-40", "12.5",
                           "99999999999999999999"}) {
    EXPECT_EQ(ParseTemperature(text), kNoTemperature) << text;
  }
}

}  // namespace
}  // namespace frostnas::latency
