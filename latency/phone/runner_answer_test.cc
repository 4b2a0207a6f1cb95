#include "latency/phone/runner_answer.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::latency {
namespace {

using ::testing::HasSubstr;

constexpr char kWhole[] =
    R"({"hello":{"formatVersion":1,"runtime":"xnnpack 1","isa":"neon_dot"}}
{"timing":{"medianNs":"1200","p90Ns":"1300","samplesNs":["1100","1200"]}}
{"end":{"fullSpeedNs":900.5}}
)";

TEST(RunnerAnswerTest, TakesWholeOutput) {
  RunnerAnswer answer;
  answer.Add(kWhole);
  ASSERT_TRUE(answer.Check().ok()) << answer.Check();
  EXPECT_EQ(answer.hello().isa(), "neon_dot");
  ASSERT_TRUE(answer.timing().has_value());
  EXPECT_EQ(answer.timing()->median_ns(), 1200);
  EXPECT_EQ(answer.timing()->samples_ns_size(), 2);
  EXPECT_EQ(answer.end().full_speed_ns(), 900.5);
}

TEST(RunnerAnswerTest, TakesOutputInPieces) {
  RunnerAnswer answer;
  for (const char c : std::string(kWhole)) answer.Add(std::string(1, c));
  EXPECT_TRUE(answer.Check().ok());
  EXPECT_EQ(answer.timing()->p90_ns(), 1300);
}

TEST(RunnerAnswerTest, OutputCutAnywhereCountsAsNothing) {
  const std::string whole = kWhole;
  for (size_t length = 0; length + 1 < whole.size(); ++length) {
    RunnerAnswer answer;
    answer.Add(whole.substr(0, length));
    EXPECT_EQ(answer.Check().code(), absl::StatusCode::kUnavailable) << length;
  }
}

TEST(RunnerAnswerTest, PassesOverWhatIsNotTheRunners) {
  RunnerAnswer answer;
  answer.Add("WARNING: linker\n{\"broken\n{}\n{\"hello\":3}\n");
  answer.Add(kWhole);
  answer.Add("{\"end\":{\"code\":3,\"message\":\"after the end\"}}\n");
  EXPECT_TRUE(answer.Check().ok());
}

TEST(RunnerAnswerTest, TellsWhatTheRunnerEndedWith) {
  RunnerAnswer answer;
  answer.Add(R"({"hello":{"formatVersion":1}}
{"end":{"code":3,"message":"package: layer stem"}}
)");
  EXPECT_EQ(answer.Check().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(answer.Check().message(), HasSubstr("layer stem"));
}

TEST(RunnerAnswerTest, RefusesAnotherFormat) {
  RunnerAnswer answer;
  answer.Add("{\"hello\":{\"formatVersion\":2}}\n{\"end\":{}}\n");
  EXPECT_EQ(answer.Check().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(RunnerAnswerTest, ForgetsAnEndlessLine) {
  RunnerAnswer answer;
  const std::string much(1 << 20, 'x');
  for (int i = 0; i < 20; ++i) answer.Add(much);
  answer.Add("\n");
  answer.Add(kWhole);
  EXPECT_TRUE(answer.Check().ok());
}

}  // namespace
}  // namespace frostnas::latency
