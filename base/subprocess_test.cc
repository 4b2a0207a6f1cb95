#include "base/subprocess.h"

#include <signal.h>

#include <string>

#include "base/clock.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kLong = absl::Seconds(60);

TEST(SubprocessTest, GivesBothOutputsAndTheExitCode) {
  ASSERT_OK_AND_ASSIGN(
      const SubprocessResult result,
      RunSubprocess({"sh", "-c", "echo out; echo err >&2; exit 3"},
                    {.deadline = kLong}));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.signal, 0);
  EXPECT_EQ(result.stdout_text, "out\n");
  EXPECT_EQ(result.stderr_text, "err\n");
}

TEST(SubprocessTest, PassesArgumentsUnchanged) {
  ASSERT_OK_AND_ASSIGN(
      const SubprocessResult result,
      RunSubprocess({"printf", "%s|", "a b", "$HOME", "*", ""}, {}));
  EXPECT_EQ(result.stdout_text, "a b|$HOME|*||");
}

TEST(SubprocessTest, SetsTheEnvironmentOverItsOwn) {
  ASSERT_EQ(setenv("FROSTNAS_SUBPROCESS_TEST", "before", 1), 0);
  ASSERT_OK_AND_ASSIGN(
      const SubprocessResult result,
      RunSubprocess(
          {"sh", "-c", "echo $FROSTNAS_SUBPROCESS_TEST $OTHER"},
          {.environment = {"FROSTNAS_SUBPROCESS_TEST=after", "OTHER=x"}}));
  EXPECT_EQ(result.stdout_text, "after x\n");
}

TEST(SubprocessTest, TellsOfASignal) {
  ASSERT_OK_AND_ASSIGN(const SubprocessResult result,
                       RunSubprocess({"sh", "-c", "kill -9 $$"}, {}));
  EXPECT_EQ(result.exit_code, -1);
  EXPECT_EQ(result.signal, SIGKILL);
}

TEST(SubprocessTest, TakesMoreThanAPipeHolds) {
  std::string pieces;
  ASSERT_OK_AND_ASSIGN(
      const SubprocessResult result,
      RunSubprocess({"head", "-c", "1000000", "/dev/zero"},
                    {.on_stdout = [&](absl::string_view piece) {
                      pieces.append(piece.data(), piece.size());
                    }}));
  EXPECT_EQ(result.stdout_text, std::string(1000000, '\0'));
  EXPECT_EQ(pieces, result.stdout_text);
}

TEST(SubprocessTest, KillsWhatDoesNotEnd) {
  const absl::Duration start = RealClock().Monotonic();
  const auto result = RunSubprocess({"sh", "-c", "echo begun; sleep 1000"},
                                    {.deadline = absl::Milliseconds(50)});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(result.status().message(), HasSubstr("sleep 1000"));
  EXPECT_LT(RealClock().Monotonic() - start, kLong);
}

TEST(SubprocessTest, StopsWhenAsked) {
  StopSource source;
  const auto result = RunSubprocess(
      {"sh", "-c", "echo begun; sleep 1000"},
      {.stop = source.token(),
       .on_stdout = [&](absl::string_view) { source.RequestStop(); }});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kCancelled);
}

TEST(SubprocessTest, BoundsTheOutput) {
  const auto result =
      RunSubprocess({"yes"}, {.deadline = kLong, .max_output_bytes = 100000});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted);
}

// A daemon that keeps the output open must not hold the caller up.
TEST(SubprocessTest, DoesNotWaitForWhatIsLeftBehind) {
  ASSERT_OK_AND_ASSIGN(
      const SubprocessResult result,
      RunSubprocess({"sh", "-c", "sleep 1000 & echo $!"}, {.deadline = kLong}));
  EXPECT_EQ(result.exit_code, 0);
  kill(std::stoi(result.stdout_text), SIGKILL);
}

TEST(SubprocessTest, NamesAMissingProgram) {
  const auto result = RunSubprocess({"frostnas-no-such-program"}, {});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(result.status().message(), HasSubstr("frostnas-no-such-program"));
}

TEST(SubprocessTest, ShowsCommandsAsTyped) {
  EXPECT_EQ(CommandText({"adb", "shell", "a b", ""}), "adb shell 'a b' ''");
}

}  // namespace
}  // namespace frostnas
