// The program, as a person uses it.
#include <signal.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/phone/adb_server.h"
#include "tests/testing/process.h"

namespace frostnas::phone {
namespace {

using ::testing::HasSubstr;

constexpr char kProgram[] = "tests/phone/test_phone";

TEST(TestPhoneProgramTest, ListensUntilItIsStopped) {
  ASSERT_OK_AND_ASSIGN(const TempDir folder, TempDir::Create());
  const std::string script = JoinPath(folder.path(), "faults.json");
  ASSERT_OK(WriteFileAtomic(script, R"({"faults": [
      {"kind": "hot", "duration_ms": 600000, "milli_degrees": 51000}]})"));
  const auto program =
      Process::Start({kProgram, "--root", folder.path(), "--script", script});
  ASSERT_TRUE(program->Await([](const Process& each) {
    return absl::EndsWith(each.stdout_text(), "\n");
  })) << program->stderr_text();
  const std::string line = program->stdout_text();
  absl::string_view serial = line;
  ASSERT_TRUE(absl::ConsumePrefix(&serial, "test_phone: listening on "));
  ASSERT_TRUE(absl::ConsumeSuffix(&serial, "\n"));

  ASSERT_OK_AND_ASSIGN(const auto server, AdbServer::Start());
  ASSERT_OK(server->Connect(std::string(serial)));
  EXPECT_EQ(server
                ->Shell(std::string(serial),
                        "cat /sys/class/thermal/thermal_zone0/temp")
                .stdout_text,
            "51000\n");
  EXPECT_TRUE(FileExists(JoinPath(folder.path(), "data/local/tmp")));

  program->Kill(SIGTERM);
  EXPECT_EQ(program->Wait().exit_code, 0);
}

TEST(TestPhoneProgramTest, NamesWhatIsWrong) {
  ASSERT_OK_AND_ASSIGN(const TempDir folder, TempDir::Create());
  const std::string script = JoinPath(folder.path(), "faults.json");
  ASSERT_OK(WriteFileAtomic(script, R"({"faults": [{"kind": "cold"}]})"));
  const ProcessResult result = RunProcess({kProgram, "--script", script});
  EXPECT_EQ(result.end.exit_code, 2);
  EXPECT_THAT(result.stderr_text, HasSubstr("no fault is named \"cold\""));
}

}  // namespace
}  // namespace frostnas::phone
