// The controller program is killed or interrupted and goes on with --resume.

#include <signal.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/small_run.h"
#include "tests/testing/process.h"

namespace frostnas {
namespace {

using ::testing::HasSubstr;

// What must repeat of an --out folder: pareto.json without the times.
nlohmann::json Outcome(const std::string& out) {
  const auto text = ReadFile(JoinPath(out, "pareto.json"), 64 << 20);
  EXPECT_TRUE(text.ok()) << text.status();
  nlohmann::json json = nlohmann::json::parse(text.value_or("{}"));
  EXPECT_EQ(json.erase("timings_s"), 1);
  return json;
}

// Made once: every test compares with it.
const nlohmann::json& CalmOutcome() {
  static const auto* const kOutcome = [] {
    const std::string out = NewFolder("calm");
    const ProcessResult run = RunProcess(SmallRun(out));
    EXPECT_EQ(run.end.exit_code, 0) << run.stderr_text;
    return new nlohmann::json(Outcome(out));
  }();
  return *kOutcome;
}

void ExpectResumes(const std::string& out) {
  EXPECT_FALSE(FileExists(JoinPath(out, "pareto.json")));
  const ProcessResult run = RunProcess({kController, "--resume", "--out", out});
  EXPECT_EQ(run.end.exit_code, 0) << run.stderr_text;
  EXPECT_EQ(Outcome(out), CalmOutcome());
}

// Kills the run when stderr says that it has come so far.
class KilledAtTest : public ::testing::TestWithParam<const char*> {};

TEST_P(KilledAtTest, EndsAsIfItHadNotBeen) {
  const std::string out = NewFolder("killed");
  const auto run = Process::Start(SmallRun(out));
  ASSERT_TRUE(run->Await([](const Process& p) {
    return absl::StrContains(p.stderr_text(), GetParam());
  })) << run->stderr_text();
  run->Kill(SIGKILL);
  ASSERT_EQ(run->Wait().signal, SIGKILL);
  ExpectResumes(out);
}

INSTANTIATE_TEST_SUITE_P(Phases, KilledAtTest,
                         ::testing::Values("study st-", "supernet ", "derive ",
                                           "trials, training "));

TEST(InterruptTest, CtrlCStopsSoonAndTheDatabaseGoesOn) {
  const std::string out = NewFolder("interrupted");
  const auto run = Process::Start(SmallRun(out));
  ASSERT_TRUE(run->Await([](const Process& p) {
    return absl::StrContains(p.stderr_text(), "supernet ");
  })) << run->stderr_text();
  const absl::Duration before = RealClock().Monotonic();
  run->Kill(SIGINT);
  const ProcessEnd end = run->Wait();
  // The promise is 2 seconds; a loaded machine gets some more.
  EXPECT_LT(RealClock().Monotonic() - before, absl::Seconds(10));
  EXPECT_EQ(end.exit_code, 130);
  EXPECT_THAT(run->stderr_text(), HasSubstr("--resume --db"));
  ExpectResumes(out);
}

}  // namespace
}  // namespace frostnas
