// The runner as a process: what it is asked and what it answers.
#include <sched.h>
#include <signal.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "arch/graph.h"
#include "arch/op_key.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "latency/reference_network.h"
#include "latency/runner/testing/runner_process.h"
#include "latency/testing/packages.h"
#include "quant/executor.h"
#include "quant/package.h"
#include "quant/testing/agreement.h"

namespace frostnas::latency {
namespace {

using ::testing::HasSubstr;

class RunnerTest : public testing::Test {
 protected:
  RunnerTest() {
    request_.set_format_version(1);
    request_.set_threads(1);
    request_.set_batch(1);
    Write("package", quant::SerializePackage(package_));
  }

  std::string Path(const std::string& name) const {
    return JoinPath(folder_.path(), name);
  }
  void Write(const std::string& name, absl::string_view bytes) {
    ASSERT_OK(WriteFileAtomic(Path(name), bytes));
  }

  v1::MeasureWork& Measure() {
    v1::MeasureWork& work = *request_.mutable_measure();
    work.set_package_file(Path("package"));
    work.set_effort(v1::MEASURE_EFFORT_SMOKE);
    work.set_reference_size(kSmallReference);
    return work;
  }
  v1::ExecuteWork& Execute() {
    v1::ExecuteWork& work = *request_.mutable_execute();
    work.set_package_file(Path("package"));
    work.set_input_file(Path("input"));
    work.set_output_file(Path("output"));
    return work;
  }

  RunnerRun Run() { return RunRunner(request_, folder_.path()); }
  // UNAVAILABLE says that others kept the processors: another try.
  RunnerRun RunUntilMeasured() {
    constexpr int kTries = 20;
    RunnerRun run;
    for (int i = 0; i < kTries; ++i) {
      run = Run();
      if (run.end().code() != static_cast<int>(absl::StatusCode::kUnavailable))
        break;
    }
    EXPECT_TRUE(run.whole());
    EXPECT_EQ(run.end().code(), 0) << run.end().message();
    EXPECT_EQ(run.exit_code, 0);
    return run;
  }
  void ExpectRefused(absl::StatusCode code, const std::string& message) {
    const RunnerRun run = Run();
    ASSERT_TRUE(run.whole());
    EXPECT_EQ(run.lines.size(), 2);
    EXPECT_EQ(run.end().code(), static_cast<int>(code)) << run.end().message();
    EXPECT_THAT(run.end().message(), HasSubstr(message));
    EXPECT_EQ(run.exit_code, 1);
  }

  const TempDir folder_ = TempDir::Create().value();
  const v1::Package package_ = SmallPackage(3);
  v1::RunnerRequest request_;
};

// A core that this process may use.
int SomeCore() {
  cpu_set_t allowed;
  sched_getaffinity(0, sizeof(allowed), &allowed);
  int core = 0;
  while (!CPU_ISSET(core, &allowed)) ++core;
  return core;
}

TEST_F(RunnerTest, DescribesItself) {
  request_.mutable_describe();
  const RunnerRun run = Run();
  ASSERT_TRUE(run.whole());
  EXPECT_EQ(run.lines.size(), 2);
  EXPECT_EQ(run.exit_code, 0);
  const v1::RunnerHello& hello = run.lines[0].hello();
  EXPECT_EQ(hello.format_version(), 1);
  EXPECT_THAT(hello.runtime(), HasSubstr("xnnpack 0.0~git2022"));
  EXPECT_FALSE(hello.isa().empty());
  EXPECT_GT(hello.cores(), 0);
  EXPECT_THAT(Sha256HexOfFile(RunnerPath()),
              IsOkAndHolds(hello.build_sha256()));
}

// The package has every kind of layer that a space has.
TEST_F(RunnerTest, ExecutesAsTheReferenceAndTheHostDo) {
  ASSERT_OK_AND_ASSIGN(const quant::QuantizedGraph quantized,
                       quant::QuantizedGraphOf(package_));
  ASSERT_OK_AND_ASSIGN(const auto reference,
                       quant::CreateReferenceExecutor(package_));
  ASSERT_OK_AND_ASSIGN(const auto onednn,
                       quant::CreateOnednnExecutor(package_));
  Execute();
  for (const auto& [threads, batch] : {std::pair(1, 1), {1, 64}, {2, 64}}) {
    SCOPED_TRACE(absl::StrCat(threads, " threads, batch ", batch));
    const std::vector<uint8_t> input =
        quant::RandomInput(quantized, batch, batch);
    Write("input", {reinterpret_cast<const char*>(input.data()), input.size()});
    request_.set_threads(threads);
    request_.set_batch(batch);
    const RunnerRun run = Run();
    ASSERT_EQ(run.exit_code, 0) << run.end().message();
    EXPECT_TRUE(run.whole());
    ASSERT_OK_AND_ASSIGN(const std::string output,
                         ReadFile(Path("output"), 1 << 20));
    const auto expected = reference->RunQuantized(input, batch);
    const auto host = onednn->RunQuantized(input, batch);
    ASSERT_EQ(output.size(), expected.size());
    for (size_t i = 0; i < output.size(); ++i) {
      const int value = static_cast<uint8_t>(output[i]);
      EXPECT_EQ(value, expected[i]);
      EXPECT_LE(std::abs(value - host[i]), 1);
    }
  }
}

TEST_F(RunnerTest, MeasuresWithItsEvidence) {
  request_.add_cores(SomeCore());
  Measure();
  const RunnerRun run = RunUntilMeasured();
  ASSERT_EQ(run.lines.size(), 3);
  const v1::RunnerTiming& timing = run.lines[1].timing();
  EXPECT_GT(timing.median_ns(), 0);
  EXPECT_GE(timing.p90_ns(), timing.ci_low_ns());
  EXPECT_LE(timing.ci_low_ns(), timing.median_ns());
  EXPECT_GE(timing.ci_high_ns(), timing.median_ns());
  EXPECT_GT(timing.samples_ns_size(), 0);
  for (int64_t ns : timing.samples_ns()) EXPECT_GT(ns, 0);
  EXPECT_GE(timing.rejected_rounds(), 0);
  EXPECT_GE(timing.drift(), 0);
  EXPECT_TRUE(std::isfinite(timing.slope()));
  EXPECT_EQ(timing.core(), SomeCore());
  EXPECT_GT(run.end().full_speed_ns(), 0);
}

TEST_F(RunnerTest, TakesFullSpeedFromAnEarlierRun) {
  request_.set_threads(2);
  request_.set_batch(3);
  Measure().set_full_speed_ns(12345.5);
  const RunnerRun run = RunUntilMeasured();
  EXPECT_EQ(run.end().full_speed_ns(), 12345.5);
  EXPECT_EQ(run.lines[1].timing().core(), -1);
}

TEST_F(RunnerTest, ReportsSustainedLoad) {
  Measure().set_sustained_s(0.25);
  const RunnerRun run = RunUntilMeasured();
  ASSERT_EQ(run.lines.size(), 4);
  const v1::SustainedLatency& sustained = run.lines[2].sustained();
  EXPECT_EQ(sustained.duration_s(), 0.25);
  EXPECT_GT(sustained.cold_ns(), 0);
  EXPECT_GT(sustained.hot_ns(), 0);
  EXPECT_EQ(sustained.course_ns_size(), 20);
}

TEST_F(RunnerTest, ProfilesOpsInOrder) {
  const std::vector<v1::OpKey> ops = arch::DistinctOps(
      arch::ExpandArchitecture(package_.architecture()).value());
  request_.mutable_profile()->mutable_ops()->Assign(ops.begin(), ops.end());
  request_.mutable_profile()->set_effort(v1::MEASURE_EFFORT_SMOKE);
  request_.mutable_profile()->set_full_speed_ns(1e5);
  request_.mutable_profile()->set_reference_size(kSmallReference);
  const RunnerRun run = RunUntilMeasured();
  ASSERT_EQ(run.lines.size(), ops.size() + 2);
  for (size_t i = 0; i < ops.size(); ++i) {
    const v1::OpLatency& op = run.lines[i + 1].op();
    EXPECT_EQ(arch::OpKeyText(op.op()), arch::OpKeyText(ops[i]));
    EXPECT_GT(op.median_ns(), 0);
    EXPECT_GT(op.samples(), 0);
  }
}

TEST_F(RunnerTest, RefusesWhatIsNoRequest) {
  const auto ends_with = [this](absl::StatusCode code) {
    const RunnerRun run =
        RunnerProcess({"--request", Path("request")}).Finish();
    EXPECT_TRUE(run.whole());
    EXPECT_EQ(run.end().code(), static_cast<int>(code)) << run.end().message();
    EXPECT_EQ(run.exit_code, 1);
  };
  ends_with(absl::StatusCode::kNotFound);
  Write("request", "no request at all");
  ends_with(absl::StatusCode::kInvalidArgument);
  Write("request", "");
  ends_with(absl::StatusCode::kInvalidArgument);
  Write("request", std::string(2 << 20, '\0'));
  ends_with(absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(RunnerProcess(std::vector<std::string>()).Finish().end().code(),
            static_cast<int>(absl::StatusCode::kInvalidArgument));
}

TEST_F(RunnerTest, RefusesFieldsOutOfRange) {
  ExpectRefused(absl::StatusCode::kInvalidArgument, "asks for nothing");
  Measure();
  request_.set_threads(0);
  ExpectRefused(absl::StatusCode::kInvalidArgument, "threads");
  request_.set_threads(1);
  request_.set_batch(1 << 20);
  ExpectRefused(absl::StatusCode::kInvalidArgument, "batch");
  request_.set_batch(1);
  Measure().set_sustained_s(1e9);
  ExpectRefused(absl::StatusCode::kInvalidArgument, "sustained");
  Measure().set_sustained_s(0);
  Measure().set_full_speed_ns(std::nan(""));
  ExpectRefused(absl::StatusCode::kInvalidArgument, "full_speed_ns");
  Measure().set_full_speed_ns(0);
  Measure().set_reference_size(7);
  ExpectRefused(absl::StatusCode::kInvalidArgument, "reference_size 7");
  request_.add_cores(-1);
  ExpectRefused(absl::StatusCode::kInvalidArgument, "core -1");
  request_.set_cores(0, CPU_SETSIZE - 1);
  ExpectRefused(absl::StatusCode::kUnavailable, "offline");
  request_.clear_cores();
  request_.set_format_version(2);
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "format 2");
}

TEST_F(RunnerTest, RefusesPackagesThatAreMissingOrDamaged) {
  Measure().set_package_file(Path("nothing"));
  ExpectRefused(absl::StatusCode::kNotFound, "nothing");
  Measure();
  const std::string bytes = quant::SerializePackage(package_);
  for (size_t length :
       {size_t{0}, size_t{7}, size_t{40}, bytes.size() / 2, bytes.size() - 1}) {
    Write("package", bytes.substr(0, length));
    ExpectRefused(absl::StatusCode::kDataLoss, "package");
  }
  std::string damaged = bytes;
  damaged[damaged.size() / 2] ^= 1;
  Write("package", damaged);
  ExpectRefused(absl::StatusCode::kDataLoss, "package");
  v1::Package other = package_;
  other.mutable_layers(0)->mutable_output()->set_scale(-1);
  Write("package", quant::SerializePackage(other));
  ExpectRefused(absl::StatusCode::kInvalidArgument, "stem");
}

TEST_F(RunnerTest, RefusesInputsOfAnotherSize) {
  Execute();
  ExpectRefused(absl::StatusCode::kNotFound, "input");
  Write("input", "short");
  ExpectRefused(absl::StatusCode::kInvalidArgument, "has 5 bytes");
}

// 1024 images of the largest op that may be profiled would be many gigabytes.
TEST_F(RunnerTest, RefusesWhatNeedsTooMuchMemory) {
  request_.set_batch(1024);
  v1::OpKey& op = *request_.mutable_profile()->add_ops();
  op.set_kind("add");
  op.set_in_size(512);
  op.set_in_channels(64);
  op.set_out_channels(64);
  op.set_kernel(1);
  op.set_stride(1);
  op.set_activation(v1::ACTIVATION_NONE);
  request_.mutable_profile()->set_full_speed_ns(1e5);
  request_.mutable_profile()->set_reference_size(kSmallReference);
  ExpectRefused(absl::StatusCode::kResourceExhausted, "batch 1024");
}

TEST_F(RunnerTest, SignalsStopItWithAnEnd) {
  Measure().set_sustained_s(3600);
  Write("request", request_.SerializeAsString());
  for (int signal : {SIGTERM, SIGHUP, SIGINT}) {
    RunnerProcess runner({"--request", Path("request")});
    ASSERT_TRUE(runner.ReadLine());
    runner.Signal(signal);
    const RunnerRun run = runner.Finish();
    ASSERT_TRUE(run.whole());
    EXPECT_EQ(run.end().code(), static_cast<int>(absl::StatusCode::kCancelled))
        << run.end().message();
    EXPECT_EQ(run.exit_code, 1);
  }
}

TEST_F(RunnerTest, AKilledOneHasNoEnd) {
  Measure().set_sustained_s(3600);
  Write("request", request_.SerializeAsString());
  RunnerProcess runner({"--request", Path("request")});
  ASSERT_TRUE(runner.ReadLine());
  runner.Signal(SIGKILL);
  const RunnerRun run = runner.Finish();
  EXPECT_FALSE(run.whole());
  EXPECT_EQ(run.exit_code, -1);
}

TEST_F(RunnerTest, EndsWhenNobodyReads) {
  Measure();
  Write("request", request_.SerializeAsString());
  RunnerProcess runner({"--request", Path("request")});
  ASSERT_TRUE(runner.ReadLine());
  runner.StopReading();
  EXPECT_EQ(runner.Finish().exit_code, 1);
}

}  // namespace
}  // namespace frostnas::latency
