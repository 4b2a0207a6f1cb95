#include "latency/adb/adb.h"

#include <string>

#include "base/status_matchers.h"
#include "base/subprocess.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::latency {
namespace {

using ::testing::HasSubstr;

// What a POSIX shell makes of it is what was meant.
TEST(AdbTest, QuotesForAShell) {
  for (const char* text : {"", "plain", "a b", "$HOME", "`id`", "it's", "''",
                           "a;b", "*", "\\", "new\nline", "--flag=\"x\""}) {
    ASSERT_OK_AND_ASSIGN(
        const SubprocessResult result,
        RunSubprocess({"sh", "-c", "printf %s " + ShellQuote(text)}, {}));
    EXPECT_EQ(result.stdout_text, text);
  }
}

TEST(AdbTest, ReadsTheListOfDevices) {
  const auto devices = ParseAdbDevices(
      "* daemon not running; starting now at tcp:5037\n"
      "List of devices attached\n"
      "R5CT1\tdevice\n127.0.0.1:5555\toffline\r\n\n");
  ASSERT_EQ(devices.size(), 2u);
  EXPECT_EQ(devices[0].serial, "R5CT1");
  EXPECT_EQ(devices[0].state, "device");
  EXPECT_EQ(devices[1].serial, "127.0.0.1:5555");
  EXPECT_EQ(devices[1].state, "offline");
}

TEST(AdbTest, NamesWhatIsMissing) {
  const Adb adb({.program = "frostnas-no-such-adb"});
  const absl::Status status = adb.Connect("R5CT1", {});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("R5CT1"));
}

}  // namespace
}  // namespace frostnas::latency
