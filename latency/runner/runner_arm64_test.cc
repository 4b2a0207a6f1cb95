// The runner for phones, on emulated processors, beside the host's: the same
// source and two sets of kernels.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "arch/presets.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/status_matchers.h"
#include "base/subprocess.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "latency/runner/testing/runner_process.h"
#include "latency/testing/packages.h"
#include "quant/package.h"
#include "quant/quantized_graph.h"
#include "quant/testing/agreement.h"

namespace frostnas::latency {
namespace {

using ::testing::HasSubstr;

constexpr char kFolder[] = "latency/runner/runner_arm64";

// QEMU's name of a processor, and the instructions the kernels use there.
struct Processor {
  const char* name;
  const char* isa;
};

class RunnerArm64Test : public testing::TestWithParam<Processor> {
 protected:
  RunnerArm64Test() {
    request_.set_format_version(1);
    request_.set_threads(2);
    request_.set_batch(1);
  }

  std::string Path(absl::string_view name) const {
    return JoinPath(folder_.path(), name);
  }

  // As on a phone: in the folder that has the program and its libraries.
  RunnerRun RunArm64() {
    const std::string file = Path("request");
    EXPECT_OK(WriteFileAtomic(file, request_.SerializeAsString()));
    const auto result = RunSubprocess(
        {"env", "--chdir", kFolder, "/usr/bin/qemu-aarch64-static", "-cpu",
         GetParam().name, "./runner", "--request", file},
        {});
    RunnerRun run;
    if (!result.ok()) {
      ADD_FAILURE() << result.status();
      return run;
    }
    run.exit_code = result->exit_code;
    for (absl::string_view line :
         absl::StrSplit(result->stdout_text, '\n', absl::SkipEmpty())) {
      EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(
                      std::string(line), &run.lines.emplace_back())
                      .ok())
          << line;
    }
    EXPECT_TRUE(run.whole()) << result->stdout_text << result->stderr_text;
    return run;
  }

  std::string Output() {
    auto output = ReadFile(Path("output"), 1 << 20);
    EXPECT_OK(output.status());
    return output.value_or("");
  }

  const TempDir folder_ = TempDir::Create().value();
  v1::RunnerRequest request_;
};

TEST_P(RunnerArm64Test, DescribesItself) {
  request_.mutable_describe();
  const RunnerRun run = RunArm64();
  ASSERT_EQ(run.lines.size(), 2);
  EXPECT_EQ(run.exit_code, 0);
  const v1::RunnerHello& hello = run.lines[0].hello();
  EXPECT_THAT(hello.runtime(), HasSubstr("arm64"));
  EXPECT_EQ(hello.isa(), GetParam().isa);
  EXPECT_THAT(Sha256HexOfFile(JoinPath(kFolder, "runner")),
              IsOkAndHolds(hello.build_sha256()));
}

int64_t Label(absl::string_view logits) {
  const auto unsigned_less = [](char a, char b) {
    return static_cast<uint8_t>(a) < static_cast<uint8_t>(b);
  };
  return std::max_element(logits.begin(), logits.end(), unsigned_less) -
         logits.begin();
}

// Within one step on 99.9 % of outputs, the same label on 99.9 % of images.
TEST_P(RunnerArm64Test, ExecutesAsTheHostDoes) {
  constexpr int kImages = 50;
  constexpr int kClasses = 10;
  request_.set_batch(kImages);
  v1::ExecuteWork& work = *request_.mutable_execute();
  work.set_package_file(Path("package"));
  work.set_input_file(Path("input"));
  work.set_output_file(Path("output"));

  int64_t values = 0;
  int64_t different = 0;
  int64_t far = 0;
  int64_t other_labels = 0;
  std::vector<v1::Package> packages = {SmallPackage(3)};
  for (const char* preset : {"frostnet_small", "mobilenet_v2"}) {
    ASSERT_OK_AND_ASSIGN(
        const v1::Architecture architecture,
        arch::PresetArchitecture(
            preset,
            {.width = 0.35, .input_size = 32, .num_classes = kClasses}));
    packages.push_back(RandomPackage(architecture, /*seed=*/9));
  }
  for (const v1::Package& package : packages) {
    SCOPED_TRACE(package.architecture().name());
    ASSERT_OK_AND_ASSIGN(const quant::QuantizedGraph quantized,
                         quant::QuantizedGraphOf(package));
    const std::vector<uint8_t> input =
        quant::RandomInput(quantized, kImages, /*seed=*/11);
    ASSERT_OK(
        WriteFileAtomic(Path("package"), quant::SerializePackage(package)));
    ASSERT_OK(WriteFileAtomic(
        Path("input"),
        {reinterpret_cast<const char*>(input.data()), input.size()}));

    ASSERT_EQ(RunRunner(request_, folder_.path()).exit_code, 0);
    const std::string expected = Output();
    const RunnerRun run = RunArm64();
    ASSERT_EQ(run.exit_code, 0) << run.end().message();
    const std::string output = Output();
    ASSERT_EQ(expected.size(), kImages * kClasses);
    ASSERT_EQ(output.size(), expected.size());
    for (size_t i = 0; i < output.size(); ++i) {
      const int step = std::abs(static_cast<uint8_t>(output[i]) -
                                static_cast<uint8_t>(expected[i]));
      different += step > 0 ? 1 : 0;
      far += step > 1 ? 1 : 0;
    }
    values += static_cast<int64_t>(output.size());
    for (int i = 0; i < kImages; ++i) {
      const auto logits = [i](absl::string_view all) {
        return all.substr(i * kClasses, kClasses);
      };
      other_labels += Label(logits(output)) != Label(logits(expected)) ? 1 : 0;
    }
  }
  RecordProperty("values", std::to_string(values));
  RecordProperty("different", std::to_string(different));
  EXPECT_LE(far * 1000, values);
  EXPECT_EQ(other_labels, 0);
}

INSTANTIATE_TEST_SUITE_P(Processors, RunnerArm64Test,
                         testing::Values(Processor{"max", "neon_dot"},
                                         Processor{"cortex-a53", "neon"}));

}  // namespace
}  // namespace frostnas::latency
