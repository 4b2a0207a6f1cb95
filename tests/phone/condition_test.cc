#include "tests/phone/condition.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::phone {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ConditionTest, CoresAreListedAsTheKernelDoes) {
  EXPECT_EQ(CoreList({}), "");
  EXPECT_EQ(CoreList({3}), "3");
  EXPECT_EQ(CoreList({0, 1, 2, 3, 4, 5, 6, 7}), "0-7");
  EXPECT_EQ(CoreList({0, 1, 3, 5, 6}), "0-1,3,5-6");
}

TEST(ConditionTest, FilesShowIt) {
  Condition condition = DefaultCondition();
  condition.cores[7].online = false;
  condition.cores[1].current_khz = 300000;
  condition.zones[2].milli_degrees = 50500;
  auto files = ConditionFiles(condition);
  const std::string cpu = "/sys/devices/system/cpu/";
  EXPECT_EQ(files[cpu + "present"], "0-7\n");
  EXPECT_EQ(files[cpu + "online"], "0-6\n");
  EXPECT_EQ(files[cpu + "cpu7/online"], "0\n");
  EXPECT_EQ(files[cpu + "cpu1/cpufreq/scaling_cur_freq"], "300000\n");
  EXPECT_EQ(files[cpu + "cpu1/cpufreq/cpuinfo_max_freq"], "1800000\n");
  EXPECT_EQ(files["/sys/class/thermal/thermal_zone2/temp"], "50500\n");
  EXPECT_THAT(files["/proc/cpuinfo"], HasSubstr("processor\t: 6\n"));
  EXPECT_THAT(files["/proc/cpuinfo"], Not(HasSubstr("processor\t: 7\n")));
}

}  // namespace
}  // namespace frostnas::phone
