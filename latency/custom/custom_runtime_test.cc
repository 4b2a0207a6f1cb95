#include "latency/custom/custom_runtime.h"

#include <string>
#include <vector>

#include "base/file.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::latency {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::CustomRuntime Config() {
  v1::CustomRuntime config;
  config.set_device_id("adb:R5CT1");
  config.set_name("benchmark_model 2.9");
  config.set_model_format(v1::MODEL_FORMAT_ONNX);
  for (const char* argument : {"taskset", "{cores}", "./benchmark_model",
                               "--graph={model}", "--num_threads={threads}"}) {
    config.add_command(argument);
  }
  config.set_pattern("avg=([0-9.]+)");
  config.set_unit("us");
  return config;
}

CustomRuntime Make(const v1::CustomRuntime& config = Config()) {
  auto runtime = CustomRuntime::Create(config, "file");
  EXPECT_TRUE(runtime.ok()) << runtime.status();
  return *std::move(runtime);
}

TEST(CustomRuntimeTest, FillsTheCommandIn) {
  EXPECT_THAT(
      Make().Command({.model = "/a b/m.onnx", .threads = 2, .cores = {4, 7}}),
      ElementsAre("taskset", "90", "./benchmark_model", "--graph=/a b/m.onnx",
                  "--num_threads=2"));
}

TEST(CustomRuntimeTest, AMaskOfNoCoresIsAllOfThem) {
  EXPECT_EQ(Make().Command({})[1], "ffffffffffffffff");
}

TEST(CustomRuntimeTest, ReadsEveryMatch) {
  ASSERT_OK_AND_ASSIGN(
      const std::vector<int64_t> samples,
      Make().SamplesNs("INFO count=3 avg=1.5\nINFO avg=2e3 avg=17 std=3"));
  EXPECT_THAT(samples, ElementsAre(1500, 2000, 17000));
}

TEST(CustomRuntimeTest, OutputWithoutTimesIsAnError) {
  const auto none = Make().SamplesNs(std::string("cannot open\0file", 16));
  EXPECT_EQ(none.status().code(), absl::StatusCode::kAborted);
  EXPECT_THAT(none.status().message(), HasSubstr("cannot open file"));
  EXPECT_FALSE(Make().SamplesNs("").ok());
}

TEST(CustomRuntimeTest, RefusesWhatIsNotATime) {
  for (const char* output :
       {"avg=0", "avg=0.0", "avg=1.2.3", "avg=.", "avg=99999999999999999999"}) {
    EXPECT_EQ(Make().SamplesNs(output).status().code(),
              absl::StatusCode::kAborted)
        << output;
  }
}

TEST(CustomRuntimeTest, NamesTheFieldThatIsWrong) {
  const auto error = [](auto&& change) {
    v1::CustomRuntime config = Config();
    change(config);
    const auto runtime = CustomRuntime::Create(config, "my.textproto");
    EXPECT_EQ(runtime.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(runtime.status().message(), HasSubstr("my.textproto: "));
    return std::string(runtime.status().message());
  };
  using Config = v1::CustomRuntime;
  EXPECT_THAT(error([](Config& c) { c.set_device_id("table:a"); }),
              HasSubstr("device_id"));
  EXPECT_THAT(error([](Config& c) { c.clear_name(); }), HasSubstr("name"));
  EXPECT_THAT(error([](Config& c) { c.clear_model_format(); }),
              HasSubstr("model_format"));
  EXPECT_THAT(error([](Config& c) { c.clear_command(); }),
              HasSubstr("command"));
  EXPECT_THAT(error([](Config& c) { c.set_command(3, "m"); }),
              HasSubstr("{model}"));
  EXPECT_THAT(error([](Config& c) { c.set_pattern("avg=(["); }),
              HasSubstr("pattern"));
  EXPECT_THAT(error([](Config& c) { c.set_pattern("avg"); }),
              HasSubstr("exactly one group"));
  EXPECT_THAT(error([](Config& c) { c.set_unit("min"); }), HasSubstr("unit"));
  EXPECT_THAT(error([](Config& c) { c.set_runs(-1); }), HasSubstr("runs"));
  EXPECT_THAT(error([](Config& c) { c.set_deadline_s(99999); }),
              HasSubstr("deadline_s"));
}

TEST(CustomRuntimeTest, LoadsAFileWithARuntimeADevice) {
  ASSERT_OK_AND_ASSIGN(const TempDir folder, TempDir::Create());
  const std::string path = folder.path() + "/runtimes.textproto";
  const std::string one = R"(runtime {
    device_id: "host" name: "ort 1" model_format: MODEL_FORMAT_ONNX
    command: "perf" command: "{model}" pattern: "(\\d+) ns" unit: "ns" })";
  ASSERT_OK(WriteFileAtomic(path, one));
  ASSERT_OK_AND_ASSIGN(const auto runtimes, LoadCustomRuntimes(path));
  ASSERT_EQ(runtimes.size(), 1);
  EXPECT_EQ(runtimes[0].runs(), 5);
  ASSERT_OK(WriteFileAtomic(path, one + one));
  EXPECT_THAT(LoadCustomRuntimes(path).status().message(),
              HasSubstr("runtime 2: device_id: host has a runtime already"));
}

TEST(CustomRuntimeTest, AMeasurementIsTheMedianOfItsRuns) {
  const std::vector<std::vector<int64_t>> runs = {
      {10, 11, 12}, {20}, {13, 15}, {12}, {16}};
  const v1::Measurement measurement = ReportedMeasurement(runs);
  EXPECT_EQ(measurement.median_ns(), 14);  // of 11, 20, 14, 12, 16
  EXPECT_EQ(measurement.samples(), 8);
  EXPECT_EQ(measurement.ci_low_ns(), 11);
  EXPECT_EQ(measurement.ci_high_ns(), 20);
  EXPECT_EQ(measurement.verdict(), v1::MEASUREMENT_VERDICT_REPORTED);
}

}  // namespace
}  // namespace frostnas::latency
