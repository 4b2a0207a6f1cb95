// Each fault of the test phone as the real adb client sees it: the end, within
// bounded time, and good behaviour afterwards.
#include <signal.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/file.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/phone/adb_server.h"
#include "tests/phone/arm64_program.h"
#include "tests/phone/phone.h"

namespace frostnas::phone {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr absl::Duration kLong = absl::Seconds(60);
// Far more than a command takes, far less than a fault that is to outlast it.
constexpr absl::Duration kBounded = absl::Seconds(20);
constexpr size_t kPushBytes = 3 << 20;

class AdbFaultTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(server_, AdbServer::Start());
    ASSERT_OK_AND_ASSIGN(phone_, TestPhone::Start({}));
    ASSERT_OK_AND_ASSIGN(TempDir folder, TempDir::Create());
    folder_ = std::make_unique<TempDir>(std::move(folder));
    file_ = JoinPath(folder_->path(), "file");
    ASSERT_OK(WriteFileAtomic(file_, std::string(kPushBytes, 'x')));
    ASSERT_OK(server_->Connect(phone_->serial()));
  }

  // All is well again.
  void TearDown() override {
    EXPECT_TRUE(phone_->AwaitCalm(kLong));
    ASSERT_OK(server_->Connect(phone_->serial()));
    EXPECT_EQ(Shell("echo well").stdout_text, "well\n");
    EXPECT_EQ(Push().exit_code, 0);
    EXPECT_THAT(Shell("wc -c " + There()).stdout_text,
                StartsWith(absl::StrCat(kPushBytes)));
    EXPECT_TRUE(phone_->AwaitRunningPrograms(0, kLong));
  }

  std::string There() const { return "/data/local/tmp/file"; }
  AdbResult Push() {
    return server_->Run({"-s", phone_->serial(), "push", file_, There()},
                        kBounded);
  }
  AdbResult Shell(const std::string& command) {
    return server_->Shell(phone_->serial(), command, kBounded);
  }
  void Install(const std::string& name, const std::string& bytes) {
    const std::string path = phone_->HostPath("/data/local/tmp/" + name);
    ASSERT_OK(WriteFileAtomic(path, bytes));
    ASSERT_EQ(Shell("chmod 755 /data/local/tmp/" + name).exit_code, 0);
  }
  std::string State() {
    const AdbResult state =
        server_->Run({"-s", phone_->serial(), "get-state"}, kBounded);
    return state.stdout_text + state.stderr_text;
  }

  std::unique_ptr<AdbServer> server_;
  std::unique_ptr<TestPhone> phone_;
  std::unique_ptr<TempDir> folder_;
  std::string file_;
};

TEST_F(AdbFaultTest, DisconnectsInAPush) {
  phone_->Inject({.kind = FaultKind::kDisconnectPush, .after_bytes = 1 << 20});
  const AdbResult pushed = Push();
  EXPECT_EQ(pushed.exit_code, 1);
  EXPECT_FALSE(pushed.timed_out);
  EXPECT_FALSE(FileExists(phone_->HostPath(There())));
  EXPECT_THAT(phone_->log().faults, ElementsAre(FaultKind::kDisconnectPush));
  EXPECT_THAT(phone_->log().pushes, IsEmpty());
}

TEST_F(AdbFaultTest, DisconnectsInAShell) {
  phone_->Inject({.kind = FaultKind::kDisconnectShell, .after_bytes = 4});
  const AdbResult result = Shell("echo hello; sleep 100");
  EXPECT_FALSE(result.timed_out);
  // adb 29 calls this exit code 0.
  EXPECT_THAT(std::string("hell"), StartsWith(result.stdout_text));
}

TEST_F(AdbFaultTest, DisconnectsOnlyTheCommandNamed) {
  phone_->Inject({.kind = FaultKind::kDisconnectShell, .command = "two"});
  EXPECT_EQ(Shell("echo one").stdout_text, "one\n");
  EXPECT_EQ(Shell("echo two").stdout_text, "");
}

TEST_F(AdbFaultTest, HangsInAShell) {
  phone_->Inject(
      {.kind = FaultKind::kHangShell, .duration = absl::InfiniteDuration()});
  const AdbResult result =
      server_->Shell(phone_->serial(), "echo a", absl::Seconds(1));
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(Shell("echo b").stdout_text, "b\n");
}

TEST_F(AdbFaultTest, TruncatesOutputAndCallsItGood) {
  phone_->Inject(
      {.kind = FaultKind::kTruncateOutput, .times = 2, .after_bytes = 6});
  for (int i = 0; i < 2; ++i) {
    const AdbResult result = Shell("echo one; echo two; false");
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.stdout_text, "one\ntw");
  }
  EXPECT_EQ(Shell("echo one; echo two; false").exit_code, 1);
}

TEST_F(AdbFaultTest, CorruptsAPush) {
  phone_->Inject({.kind = FaultKind::kCorruptPush});
  EXPECT_EQ(Push().exit_code, 0);
  ASSERT_OK_AND_ASSIGN(const std::string there,
                       ReadFile(phone_->HostPath(There()), kPushBytes));
  std::string wanted(kPushBytes, 'x');
  wanted[kPushBytes / 2] = 'x' ^ 1;
  EXPECT_TRUE(there == wanted);
}

TEST_F(AdbFaultTest, KillsAProgram) {
  Install("spin", Arm64Spinner());
  phone_->Inject(
      {.kind = FaultKind::kKillProgram, .delay = absl::Milliseconds(100)});
  EXPECT_EQ(Shell("/data/local/tmp/spin").exit_code, 128 + SIGKILL);
}

TEST_F(AdbFaultTest, HangsAltogether) {
  phone_->Inject(
      {.kind = FaultKind::kHang, .duration = absl::InfiniteDuration()});
  EXPECT_TRUE(
      server_->Shell(phone_->serial(), "echo a", absl::Seconds(1)).timed_out);
  EXPECT_EQ(State(), "device\n");
  phone_->Calm();
  EXPECT_EQ(Shell("echo b").stdout_text, "b\n");
}

TEST_F(AdbFaultTest, IsOffline) {
  phone_->Inject(
      {.kind = FaultKind::kOffline, .duration = absl::InfiniteDuration()});
  EXPECT_THAT(State(), HasSubstr("offline"));
  const AdbResult result = Shell("echo a");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.stderr_text, HasSubstr("device offline"));
  phone_->Calm();
}

TEST_F(AdbFaultTest, HangsAndIsOfflineAtATime) {
  phone_->Inject(
      {.kind = FaultKind::kOffline, .duration = absl::Milliseconds(300)});
  EXPECT_THAT(State(), HasSubstr("offline"));
  phone_->Inject(
      {.kind = FaultKind::kHang, .duration = absl::Milliseconds(600)});
  EXPECT_TRUE(phone_->AwaitCalm(kLong));
}

TEST_F(AdbFaultTest, RefusesConnections) {
  phone_->Inject(
      {.kind = FaultKind::kRefused, .duration = absl::InfiniteDuration()});
  server_->Run({"disconnect", phone_->serial()});
  const AdbResult result = server_->Run({"connect", phone_->serial()});
  EXPECT_THAT(result.stdout_text + result.stderr_text,
              HasSubstr("Connection refused"));
  // The server drops the device it could not connect to a moment later.
  EXPECT_THAT(State(), AnyOf(HasSubstr("not found"), HasSubstr("offline")));
  phone_->Calm();
}

TEST_F(AdbFaultTest, IsUnauthorizedUntilTheUserAgrees) {
  phone_->Inject(
      {.kind = FaultKind::kUnauthorized, .duration = absl::InfiniteDuration()});
  server_->Run({"disconnect", phone_->serial()});
  const AdbResult result = server_->Run({"connect", phone_->serial()});
  EXPECT_THAT(result.stdout_text + result.stderr_text,
              HasSubstr("failed to authenticate"));
  EXPECT_THAT(State(), HasSubstr("unauthorized"));
  EXPECT_THAT(Shell("echo a").stderr_text, HasSubstr("unauthorized"));
  phone_->Calm();
}

TEST_F(AdbFaultTest, StorageIsFull) {
  phone_->Inject(
      {.kind = FaultKind::kStorageFull, .duration = absl::InfiniteDuration()});
  const AdbResult pushed = Push();
  EXPECT_EQ(pushed.exit_code, 1);
  EXPECT_THAT(pushed.stdout_text + pushed.stderr_text,
              HasSubstr("No space left on device"));
  EXPECT_FALSE(FileExists(phone_->HostPath(There())));
  EXPECT_EQ(Shell("echo a > /data/local/tmp/a").exit_code, 1);
  phone_->Calm();
  // As much as there is room for, and no more.
  phone_->SetFreeBytes(kPushBytes - 1);
  EXPECT_EQ(Push().exit_code, 1);
  phone_->SetFreeBytes(kPushBytes);
}

TEST_F(AdbFaultTest, ConditionsChangeForAWhile) {
  phone_->Inject({.kind = FaultKind::kHot, .duration = kLong});
  phone_->Inject({.kind = FaultKind::kGovernor, .duration = kLong});
  phone_->Inject({.kind = FaultKind::kCores, .duration = kLong, .cores = 2});
  const std::string show =
      "cat /sys/class/thermal/thermal_zone2/temp "
      "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor "
      "/sys/devices/system/cpu/online";
  EXPECT_EQ(Shell(show).stdout_text, "48000\npowersave\n0-1\n");
  phone_->Calm();
  EXPECT_EQ(Shell(show).stdout_text, "34000\nschedutil\n0-7\n");
}

TEST_F(AdbFaultTest, ConditionsChangeDuringARun) {
  Install("spin", Arm64Spinner());
  phone_->Inject({.kind = FaultKind::kGovernor,
                  .duration = kLong,
                  .delay = absl::Milliseconds(50),
                  .at_next_program = true,
                  .command = "spin"});
  const std::string governor =
      "cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
  EXPECT_EQ(Shell(governor).stdout_text, "schedutil\n");
  std::thread client([&] { Shell("/data/local/tmp/spin"); });
  EXPECT_TRUE(phone_->AwaitRunningPrograms(1, kLong));
  while (Shell(governor).stdout_text != "powersave\n") {
  }
  EXPECT_EQ(Shell("pkill -9 -f spin").exit_code, 0);
  client.join();
  phone_->Calm();
}

TEST_F(AdbFaultTest, RebootKillsPrograms) {
  Install("spin", Arm64Spinner());
  std::thread client([&] {
    const AdbResult result = Shell("cd /data/local/tmp && ./spin");
    EXPECT_FALSE(result.timed_out);
  });
  EXPECT_TRUE(phone_->AwaitRunningPrograms(1, kLong));
  phone_->Inject(
      {.kind = FaultKind::kReboot, .duration = absl::InfiniteDuration()});
  client.join();
  EXPECT_TRUE(phone_->AwaitRunningPrograms(0, kLong));
  EXPECT_EQ(server_->Run({"connect", phone_->serial()}).took < kBounded, true);
  EXPECT_TRUE(FileExists(phone_->HostPath("/data/local/tmp/spin")));
  phone_->Calm();
}

TEST_F(AdbFaultTest, RandomFaultsAlwaysEnd) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const FaultPlan plan =
        RandomFaults(seed, {.count = 4,
                            .within = absl::Milliseconds(300),
                            .longest = absl::Milliseconds(300)});
    phone_->Inject(plan);
    const absl::Time end = absl::Now() + absl::Milliseconds(600);
    while (absl::Now() < end) {
      server_->Shell(phone_->serial(), "echo a", absl::Seconds(2));
    }
    EXPECT_TRUE(phone_->AwaitCalm(kLong)) << seed;
    ASSERT_OK(server_->Connect(phone_->serial())) << seed;
    EXPECT_EQ(Shell("echo well").stdout_text, "well\n") << seed;
  }
}

}  // namespace
}  // namespace frostnas::phone
