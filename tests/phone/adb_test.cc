// The test phone through the real adb client.
#include <signal.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/phone/adb_server.h"
#include "tests/phone/arm64_program.h"
#include "tests/phone/phone.h"

namespace frostnas::phone {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kLong = absl::Seconds(60);

std::string RandomBytes(uint64_t seed, size_t count) {
  Random random(seed);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.NextUint32());
  return bytes;
}

class AdbTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(server_, AdbServer::Start());
    ASSERT_OK_AND_ASSIGN(phone_, TestPhone::Start({}));
    ASSERT_OK_AND_ASSIGN(TempDir folder, TempDir::Create());
    folder_ = std::make_unique<TempDir>(std::move(folder));
    ASSERT_OK(server_->Connect(phone_->serial()));
  }

  AdbResult Adb(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-s", phone_->serial()});
    return server_->Run(arguments);
  }
  AdbResult Shell(const std::string& command) {
    return server_->Shell(phone_->serial(), command);
  }
  std::string LocalFile(const std::string& name, const std::string& bytes) {
    const std::string path = JoinPath(folder_->path(), name);
    EXPECT_OK(WriteFileAtomic(path, bytes));
    return path;
  }
  void PushProgram(const std::string& name, const std::string& bytes) {
    ASSERT_EQ(Adb({"push", LocalFile(name, bytes), "/data/local/tmp/" + name})
                  .exit_code,
              0);
    ASSERT_EQ(Shell("chmod 755 /data/local/tmp/" + name).exit_code, 0);
  }

  std::unique_ptr<AdbServer> server_;
  std::unique_ptr<TestPhone> phone_;
  std::unique_ptr<TempDir> folder_;
};

TEST_F(AdbTest, DescribesItself) {
  EXPECT_EQ(Adb({"get-state"}).stdout_text, "device\n");
  EXPECT_THAT(server_->Run({"devices", "-l"}).stdout_text,
              HasSubstr("model:Frost_Test_Phone"));
  const AdbResult shown = Shell(
      "getprop ro.product.model; getprop ro.serialno;"
      "cat /sys/devices/system/cpu/online /proc/meminfo;"
      "cat /sys/devices/system/cpu/cpu7/cpufreq/cpuinfo_max_freq");
  EXPECT_EQ(shown.exit_code, 0) << shown.stderr_text;
  EXPECT_THAT(shown.stdout_text, HasSubstr("Frost Test Phone\nFROST0001\n0-7"));
  EXPECT_THAT(shown.stdout_text, HasSubstr("MemTotal:        8388608 kB\n"));
  EXPECT_THAT(shown.stdout_text, HasSubstr("2800000\n"));
}

TEST_F(AdbTest, ShellGivesExitCodesAndBothOutputs) {
  for (const int code : {0, 1, 7, 127, 255}) {
    EXPECT_EQ(Shell(absl::StrCat("exit ", code)).exit_code, code);
  }
  const AdbResult result = Shell("echo out; echo err >&2; false");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.stdout_text, "out\n");
  EXPECT_EQ(result.stderr_text, "err\n");
}

TEST_F(AdbTest, ArgumentsAreJoinedByTheClient) {
  EXPECT_EQ(Adb({"shell", "echo", "'a  b'", "c"}).stdout_text, "a  b c\n");
  EXPECT_THAT(phone_->log().commands, ElementsAre("echo 'a  b' c"));
}

TEST_F(AdbTest, FilesGoThereAndBack) {
  for (const size_t size : {0, 1, 65535, 65536, 65537, 5 << 20}) {
    const std::string bytes = RandomBytes(size, size);
    const std::string there = absl::StrCat("/data/local/tmp/new/", size);
    const AdbResult pushed = Adb({"push", LocalFile("a", bytes), there});
    ASSERT_EQ(pushed.exit_code, 0) << pushed.stderr_text;
    EXPECT_EQ(Shell("sha256sum " + there).stdout_text,
              absl::StrCat(Sha256Hex(bytes), "  ", there, "\n"));
    const std::string back = JoinPath(folder_->path(), "back");
    ASSERT_EQ(Adb({"pull", there, back}).exit_code, 0);
    ASSERT_OK_AND_ASSIGN(const std::string read, ReadFile(back, 16 << 20));
    EXPECT_TRUE(read == bytes) << size;
    const AdbResult printed = Adb({"exec-out", "cat", there});
    EXPECT_TRUE(printed.stdout_text == bytes) << size;
  }
}

TEST_F(AdbTest, FoldersArePushedAndListed) {
  ASSERT_OK(MakeDirs(JoinPath(folder_->path(), "d/e")));
  LocalFile("d/e/f", "f");
  LocalFile("d/g", "g");
  const AdbResult pushed =
      Adb({"push", JoinPath(folder_->path(), "d"), "/data/local/tmp"});
  ASSERT_EQ(pushed.exit_code, 0) << pushed.stdout_text << pushed.stderr_text;
  EXPECT_EQ(Shell("cd /data/local/tmp/d; cat e/f g").stdout_text, "fg");
  const AdbResult pulled =
      Adb({"pull", "/data/local/tmp/d", JoinPath(folder_->path(), "pulled")});
  ASSERT_EQ(pulled.exit_code, 0) << pulled.stdout_text << pulled.stderr_text;
  EXPECT_TRUE(FileExists(JoinPath(folder_->path(), "pulled/e/f")));
}

TEST_F(AdbTest, MissingFilesAreNamed) {
  const AdbResult pulled =
      Adb({"pull", "/data/none", JoinPath(folder_->path(), "x")});
  EXPECT_EQ(pulled.exit_code, 1);
  EXPECT_THAT(pulled.stdout_text + pulled.stderr_text,
              HasSubstr("'/data/none': No such file or directory"));
}

TEST_F(AdbTest, Arm64ProgramsArePushedAndRun) {
  PushProgram("arm", Arm64Printer("from an arm64 program\n", 9));
  const AdbResult result = Shell("cd /data/local/tmp && ./arm");
  EXPECT_EQ(result.exit_code, 9) << result.stderr_text;
  EXPECT_EQ(result.stdout_text, "from an arm64 program\n");
  EXPECT_EQ(phone_->log().programs, 1);
}

TEST_F(AdbTest, TwoClientsAreServedAtOnce) {
  std::vector<std::thread> clients;
  std::vector<std::string> texts(2);
  for (size_t i = 0; i < texts.size(); ++i) {
    clients.emplace_back([&, i] {
      const std::string bytes = RandomBytes(i, 1 << 20);
      const std::string there = absl::StrCat("/data/local/tmp/", i);
      const std::string here = LocalFile(absl::StrCat("here", i), bytes);
      for (int round = 0; round < 5; ++round) {
        EXPECT_EQ(Adb({"push", here, there}).exit_code, 0);
        EXPECT_EQ(Shell("sha256sum < " + there).stdout_text,
                  Sha256Hex(bytes) + "  -\n");
      }
    });
  }
  for (std::thread& client : clients) client.join();
}

TEST_F(AdbTest, TwoServersAndTwoNamesReachOnePhone) {
  ASSERT_OK_AND_ASSIGN(const auto other, AdbServer::Start());
  ASSERT_OK(other->Connect(phone_->serial()));
  ASSERT_OK(server_->Connect(phone_->other_serial()));
  EXPECT_EQ(phone_->log().connections, 3);
  for (const AdbResult& result :
       {Shell("getprop ro.serialno"),
        server_->Shell(phone_->other_serial(), "getprop ro.serialno"),
        other->Shell(phone_->serial(), "getprop ro.serialno")}) {
    EXPECT_EQ(result.stdout_text, "FROST0001\n");
  }
}

TEST_F(AdbTest, AProgramDiesWithItsClient) {
  PushProgram("spin", Arm64Spinner());
  for (const char* service : {"shell", "exec-out"}) {
    StopSource kill;
    std::thread client([&] {
      server_->Run({"-s", phone_->serial(), service, "/data/local/tmp/spin"},
                   kLong, kill.token());
    });
    EXPECT_TRUE(phone_->AwaitRunningPrograms(1, kLong)) << service;
    kill.RequestStop();
    client.join();
    EXPECT_TRUE(phone_->AwaitRunningPrograms(0, kLong)) << service;
  }
}

TEST_F(AdbTest, AProgramOfACompoundLineOutlivesItsClient) {
  PushProgram("spin", Arm64Spinner());
  StopSource kill;
  std::thread client([&] {
    server_->Run(
        {"-s", phone_->serial(), "shell", "cd /data/local/tmp && ./spin"},
        kLong, kill.token());
  });
  EXPECT_TRUE(phone_->AwaitRunningPrograms(1, kLong));
  kill.RequestStop();
  client.join();
  EXPECT_EQ(phone_->running_programs(), 1);
  EXPECT_EQ(Shell("pgrep -f '[s]pin$' > /dev/null && pkill -9 -f '^./s.in'")
                .exit_code,
            0);
  EXPECT_TRUE(phone_->AwaitRunningPrograms(0, kLong));
}

TEST_F(AdbTest, ConditionsAreSetWhileItRuns) {
  phone_->SetTemperature(1, 41500);
  phone_->SetFrequency(7, 1000000);
  phone_->SetGovernor(7, "powersave");
  phone_->SetOnlineCores({0, 1, 2, 5});
  phone_->SetFreeBytes(0);
  phone_->SetProperty("ro.product.model", "Other");
  EXPECT_EQ(Shell("cd /sys/devices/system/cpu;"
                  "cat online cpu7/cpufreq/scaling_cur_freq;"
                  "cat cpu7/cpufreq/scaling_governor;"
                  "cat /sys/class/thermal/thermal_zone1/temp;"
                  "getprop ro.product.model")
                .stdout_text,
            "0-2,5\n1000000\npowersave\n41500\nOther\n");
  EXPECT_THAT(Shell("df /data").stdout_text, HasSubstr(" 0 100% "));
}

TEST_F(AdbTest, RebootsWhenAsked) {
  const std::string boot_id =
      Shell("cat /proc/sys/kernel/random/boot_id").stdout_text;
  ASSERT_EQ(Adb({"push", LocalFile("f", "f"), "/data/local/tmp/f"}).exit_code,
            0);
  EXPECT_EQ(Adb({"reboot"}).exit_code, 0);
  ASSERT_TRUE(phone_->AwaitCalm(kLong));
  ASSERT_OK(server_->Connect(phone_->serial()));
  EXPECT_EQ(phone_->log().reboots, 1);
  EXPECT_EQ(Shell("cat /data/local/tmp/f").stdout_text, "f");
  EXPECT_NE(Shell("cat /proc/sys/kernel/random/boot_id").stdout_text, boot_id);
  // Android's own waiting loop.
  AdbResult booted;
  do {
    booted = Shell("getprop sys.boot_completed");
  } while (booted.stdout_text == "\n");
  EXPECT_EQ(booted.stdout_text, "1\n");
}

}  // namespace
}  // namespace frostnas::phone
