#include "tests/phone/shell.h"

#include <signal.h>
#include <sys/stat.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/phone/arm64_program.h"

namespace frostnas::phone {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Result {
  int exit_code;
  std::string out, err;
};

class ShellTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(TempDir root, TempDir::Create());
    root_ = std::make_unique<TempDir>(std::move(root));
    device_ = std::make_unique<Device>(
        Device::Options{.root = root_->path(),
                        .condition = DefaultCondition(),
                        .drop_connections = [] {},
                        .link_changed = [](bool) {}});
    ASSERT_OK(device_->Prepare());
  }

  Result Run(const std::string& text) {
    Result result = {};
    Shell shell(*device_, {.out =
                               [&](absl::string_view bytes) {
                                 absl::StrAppend(&result.out, bytes);
                                 return true;
                               },
                           .err =
                               [&](absl::string_view bytes) {
                                 absl::StrAppend(&result.err, bytes);
                                 return true;
                               }});
    result.exit_code = shell.Run(text);
    return result;
  }

  std::string Out(const std::string& text) { return Run(text).out; }
  int Code(const std::string& text) { return Run(text).exit_code; }

  void Install(const std::string& path, const std::string& bytes) {
    ASSERT_OK(WriteFileAtomic(device_->HostPath(path), bytes));
    ASSERT_EQ(chmod(device_->HostPath(path).c_str(), 0755), 0);
  }

  std::unique_ptr<TempDir> root_;
  std::unique_ptr<Device> device_;
};

TEST_F(ShellTest, WordsAreSplitAndUnquoted) {
  EXPECT_EQ(Out("echo a   b"), "a b\n");
  EXPECT_EQ(Out("echo 'a   b' \"c  d\" e\\ f"), "a   b c  d e f\n");
  EXPECT_EQ(Out("echo a'b'\"c\"d"), "abcd\n");
  EXPECT_EQ(Out("echo '$X' \"\\$X\" '\\n'"), "$X $X \\n\n");
  EXPECT_EQ(Out("echo -n x # not this"), "x");
}

TEST_F(ShellTest, VariablesAreExpanded) {
  EXPECT_EQ(Out("X=1; echo $X ${X}2 \"$X\" $Y end"), "1 12 1 end\n");
  EXPECT_EQ(Out("false; echo $?; true; echo $?"), "1\n0\n");
}

TEST_F(ShellTest, ListsFollowTheStatus) {
  EXPECT_EQ(Out("true && echo a || echo b; echo c"), "a\nc\n");
  EXPECT_EQ(Out("false && echo a || echo b"), "b\n");
  EXPECT_EQ(Out("false && echo a\necho b"), "b\n");
  EXPECT_EQ(Code("true && false"), 1);
  EXPECT_EQ(Code("exit 7; true"), 7);
}

TEST_F(ShellTest, RedirectionsGoToFiles) {
  EXPECT_EQ(Out("cd /data/local/tmp && echo a > f && echo b >> f; cat f"),
            "a\nb\n");
  EXPECT_EQ(Out("cat < /data/local/tmp/f"), "a\nb\n");
  const Result merged = Run("cat /none 2>&1");
  EXPECT_EQ(merged.out, "cat: /none: No such file or directory\n");
  EXPECT_THAT(merged.err, IsEmpty());
  EXPECT_THAT(Run("cat /none 2>/dev/null").err, IsEmpty());
  EXPECT_EQ(Code("cat < /none"), 1);
}

TEST_F(ShellTest, WhatIsNotSupportedIsRefused) {
  for (const char* text :
       {"true | true", "true &", "$(true)", "`true`", "(true)", "if true",
        "echo 'open", "echo \"open", "&& true", "true &&", "echo >",
        "echo ${X:-1}", "cat <<E"}) {
    const Result result = Run(text);
    EXPECT_EQ(result.exit_code, 2) << text;
    EXPECT_THAT(result.err, HasSubstr("syntax error")) << text;
    EXPECT_THAT(result.out, IsEmpty()) << text;
  }
}

TEST_F(ShellTest, PatternsNameFiles) {
  EXPECT_EQ(Out("cat /sys/class/thermal/thermal_zone[01]/temp"),
            "29000\n33000\n");
  EXPECT_EQ(Out("cd /sys/class/thermal; echo *zone1"), "thermal_zone1\n");
  EXPECT_EQ(Out("echo '/sys/*' /none*"), "/sys/* /none*\n");
}

TEST_F(ShellTest, ToolsWorkOnThePhonesFiles) {
  EXPECT_EQ(Code("mkdir -p /data/local/tmp/a/b && [ -d /data/local/tmp/a ]"),
            0);
  EXPECT_EQ(Code("mkdir /data/none/a"), 1);
  EXPECT_EQ(Out("cd /data/local/tmp/a && touch x && mv x y && cp y z && ls"),
            "b\ny\nz\n");
  EXPECT_EQ(Code("rm /data/local/tmp/a"), 1);
  EXPECT_EQ(Code("rm -f /data/none"), 0);
  EXPECT_EQ(Code("rm -rf /data/local/tmp/a && [ ! -e /data/local/tmp/a ]"), 0);
  EXPECT_EQ(Out("echo -n abc > /data/f; sha256sum /data/f; wc -c /data/f"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  "
            "/data/f\n3 /data/f\n");
  EXPECT_EQ(Out("od -An -v -tu1 /data/f"), "  97  98  99\n");
  EXPECT_EQ(Out("wc -c < /data/f; head -c 2 /data/f"), "3\nab");
  EXPECT_EQ(Out("chmod 640 /data/f; stat -c '%s %a' /data/f"), "3 640\n");
  EXPECT_EQ(Code("test -x /data/f"), 1);
  EXPECT_EQ(Code("chmod +x /data/f; test -x /data/f"), 0);
  EXPECT_EQ(Out("uname -m"), "aarch64\n");
  EXPECT_EQ(Out("cat /../../data/f"), "abc");
}

TEST_F(ShellTest, PropertiesAndStorageAreShown) {
  EXPECT_EQ(Out("getprop ro.soc.model"), "FT1000\n");
  EXPECT_EQ(Out("getprop no.such"), "\n");
  EXPECT_THAT(Out("getprop"), HasSubstr("[sys.boot_completed]: [1]\n"));
  device_->Change([](Condition& c) { c.free_bytes = 5 << 20; });
  EXPECT_THAT(Out("df -k /data"), HasSubstr(" 5120 "));
}

TEST_F(ShellTest, FullStorageRefusesOutput) {
  device_->Change([](Condition& c) { c.free_bytes = 0; });
  const Result result = Run("echo a > /data/f");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("No space left on device"));
}

TEST_F(ShellTest, MissingAndForbiddenProgramsHaveTheirCodes) {
  const Result missing = Run("./none");
  EXPECT_EQ(missing.exit_code, 127);
  EXPECT_EQ(missing.err, "/system/bin/sh: ./none: inaccessible or not found\n");
  EXPECT_EQ(Code("none"), 127);
  EXPECT_EQ(Code("touch /data/f; /data/f"), 126);
}

TEST_F(ShellTest, HostProgramsAreRun) {
  ASSERT_OK_AND_ASSIGN(const std::string program,
                       ReadFile("/usr/bin/env", 1 << 24));
  Install("/data/env", program);
  EXPECT_THAT(Out("X=/data/x:/sys cd /data; X=/data/x:/other ./env"),
              HasSubstr(absl::StrCat("X=", root_->path(), "/data/x:/other\n")));
  // Its message names its argument as it was given.
  EXPECT_THAT(Run("/data/env --chdir=/data/no ls").err,
              HasSubstr(root_->path() + "/data/no"));
}

TEST_F(ShellTest, Arm64ProgramsAreRun) {
  Install("/data/program", Arm64Printer("hello arm\n", 3));
  const Result result = Run("cd /data && ./program");
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_EQ(result.out, "hello arm\n");
}

TEST_F(ShellTest, Arm64ProgramsSeeThePhonesFiles) {
  Install("/data/reader", Arm64Reader("/proc/cpuinfo"));
  const Result result = Run("/data/reader");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("CPU implementer\t: 0x41"));
}

TEST_F(ShellTest, ScriptsAreRun) {
  Install("/data/s", "#!/system/bin/sh\ncd /data\npwd\nexit 5\n");
  const Result result = Run("/data/s && true || echo $?; pwd");
  EXPECT_EQ(result.out, "/data\n5\n/\n");
  EXPECT_EQ(Out("sh -c 'echo a; echo b'"), "a\nb\n");
  EXPECT_EQ(Out("sh /data/s"), "/data\n");
}

TEST_F(ShellTest, AScriptThatCallsItselfEnds) {
  Install("/data/s", "#!/system/bin/sh\n/data/s\n");
  EXPECT_EQ(Code("/data/s"), 2);
}

TEST_F(ShellTest, KillFaultEndsTheProgram) {
  Install("/data/spin", Arm64Spinner());
  device_->faults().Inject({.kind = FaultKind::kKillProgram,
                            .delay = absl::Milliseconds(50),
                            .command = "spin"});
  EXPECT_EQ(Code("/data/spin"), 128 + SIGKILL);
}

TEST_F(ShellTest, PatternsThatFitNoProgramAreAnError) {
  EXPECT_EQ(Code("pkill -f none"), 1);
  EXPECT_EQ(Code("pgrep -f none"), 1);
  EXPECT_THAT(Run("pkill -f '['").err, HasSubstr("bad pattern"));
  EXPECT_EQ(Code("kill 1"), 1);
}

TEST_F(ShellTest, ReadsNothingUnsafe) {
  EXPECT_EQ(Code("rm -rf /"), 1);
  EXPECT_TRUE(FileExists(device_->HostPath("/system/bin/sh")));
  EXPECT_EQ(Code("cat /../../../../../../../../etc/hostname"), 1);
}

}  // namespace
}  // namespace frostnas::phone
