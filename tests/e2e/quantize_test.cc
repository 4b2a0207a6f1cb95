// quantize, as a user runs it, on a network of random weights and the built-in
// data set.

#include <csignal>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "arch/presets.h"
#include "arch/space.h"
#include "base/check.h"
#include "base/file.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "quant/package.h"
#include "quant/testing/float_network.h"
#include "tests/testing/process.h"

namespace frostnas {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kQuantize[] = "quant/programs/quantize";

// A folder that the test's end removes.
std::string NewFolder(const std::string& name) {
  const std::string path = JoinPath(testing::TempDir(), name);
  CHECK(RemoveTree(path).ok());
  CHECK(MakeDirs(path).ok());
  return path;
}

v1::FloatNetwork Network(const std::string& preset, int classes) {
  return quant::RandomFloatNetwork(
      arch::LoadArchitecture(preset, {.width = 0.35,
                                      .input_size = 32,
                                      .input_channels = 3,
                                      .num_classes = classes})
          .value(),
      1);
}

// The path of a float network in `dir`.
std::string WriteModel(const std::string& dir,
                       const v1::FloatNetwork& network) {
  const std::string path = JoinPath(dir, "float.fnfp");
  CHECK(WriteFileAtomic(path, quant::SerializeFloatNetwork(network)).ok());
  return path;
}

// Few images, so that a method takes a second.
std::vector<std::string> Command(const std::string& model,
                                 const std::string& out) {
  return {kQuantize, "--model",        model, "--out",
          out,       "--train_images", "200", "--calibration_images",
          "32",      "--test_images",  "64",  "--threads",
          "1"};
}

ProcessResult RunQuantize(std::vector<std::string> command,
                          const std::vector<std::string>& more) {
  command.insert(command.end(), more.begin(), more.end());
  return RunProcess(command);
}

nlohmann::json ReadJson(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path, 1 << 20);
  CHECK(text.ok()) << path;
  return nlohmann::json::parse(*text);
}

void ExpectShare(const nlohmann::json& report, const char* field) {
  ASSERT_TRUE(report.contains(field)) << field;
  EXPECT_GE(report[field].get<double>(), 0) << field;
  EXPECT_LE(report[field].get<double>(), 1) << field;
}

TEST(QuantizeTest, WritesAPackageAndReportsForEachMethod) {
  const std::string dir = NewFolder("each");
  const v1::FloatNetwork network = Network("mobilenet_v2", 10);
  const ProcessResult run = RunQuantize(Command(WriteModel(dir, network), dir),
                                        {"--method", "minmax,percentile"});
  ASSERT_EQ(run.end.exit_code, 0) << run.stderr_text;
  for (const char* method : {"minmax", "percentile"}) {
    const std::string folder = JoinPath(dir, method);
    ASSERT_OK_AND_ASSIGN(const std::string bytes,
                         ReadFile(JoinPath(folder, "model.fnpkg"), 1 << 26));
    ASSERT_OK_AND_ASSIGN(const v1::Package package, quant::ParsePackage(bytes));
    const nlohmann::json report = ReadJson(JoinPath(folder, "report.json"));
    for (const char* field : {"float_top1", "fake_quant_top1", "int8_top1"}) {
      ExpectShare(report, field);
    }
    EXPECT_EQ(report["fake_quant_top1"], package.fake_quant_top1());
    EXPECT_LE(report["memory_saving"].get<double>(), 0);  // biases of 32 bits
    EXPECT_EQ(report["multiplication_saving"], 0);
    EXPECT_EQ(report["layers"].size(), package.layers_size());
    EXPECT_THAT(run.stdout_text, HasSubstr(method));
    EXPECT_TRUE(FileExists(JoinPath(folder, "report.md")));
  }
  EXPECT_FALSE(FileExists(JoinPath(dir, "compare.json")));
}

// Images held out in training are held out again.
TEST(QuantizeTest, TakesTheDataThatTheModelWasTrainedOn) {
  const std::string dir = NewFolder("trained_on");
  const ProcessResult trained =
      RunProcess({"quant/programs/train", "--arch", "mobilenet_v2", "--width",
                  "0.35", "--mode", "float", "--epochs", "1", "--train_images",
                  "100", "--seed", "7", "--threads", "1", "--out", dir});
  ASSERT_EQ(trained.end.exit_code, 0) << trained.stderr_text;
  const std::vector<std::string> command = {
      kQuantize,  "--model",   JoinPath(dir, "float.fnfp"),
      "--method", "minmax",    "--test_images",
      "64",       "--threads", "1",
      "--out",    dir};
  const ProcessResult as_trained = RunQuantize(command, {});
  ASSERT_EQ(as_trained.end.exit_code, 0) << as_trained.stderr_text;
  EXPECT_THAT(as_trained.stderr_text, Not(HasSubstr("splits are not those")));
  EXPECT_EQ(ReadJson(JoinPath(dir, "minmax/report.json"))["seed"], 7);
  const ProcessResult otherwise = RunQuantize(command, {"--seed", "8"});
  ASSERT_EQ(otherwise.end.exit_code, 0) << otherwise.stderr_text;
  EXPECT_THAT(otherwise.stderr_text, HasSubstr("splits are not those"));
  EXPECT_EQ(ReadJson(JoinPath(dir, "minmax/report.json"))["seed"], 8);
}

// Its convolutions normalise after the activation.
TEST(QuantizeTest, QuantizesTheSequentialNetworkToFewBits) {
  const std::string dir = NewFolder("few_bits");
  const v1::FloatNetwork network = Network("goyal_sequential", 10);
  const ProcessResult run =
      RunQuantize(Command(WriteModel(dir, network), dir),
                  {"--method", "minmax", "--weights", "per_tensor",
                   "--weight_bits", "6", "--activation_bits", "5"});
  ASSERT_EQ(run.end.exit_code, 0) << run.stderr_text;
  const nlohmann::json report = ReadJson(JoinPath(dir, "minmax/report.json"));
  EXPECT_NEAR(report["multiplication_saving"].get<double>(), 1 - 30.0 / 64,
              1e-9);
  EXPECT_EQ(report["layers"][0]["weight_bits"], 6);
  EXPECT_EQ(report["layers"][0]["activation_bits"], 5);
}

TEST(QuantizeTest, AStopLeavesWhatIsFinished) {
  const std::string dir = NewFolder("stopped");
  std::vector<std::string> command =
      Command(WriteModel(dir, Network("mobilenet_v2", 10)), dir);
  // The second method has all it can get to do.
  command.insert(command.end(), {"compare", "--method", "minmax,mse,kl"});
  const auto process = Process::Start(command);
  const std::string first = JoinPath(dir, "minmax/report.json");
  ASSERT_TRUE(process->Await([&](const Process&) { return FileExists(first); }))
      << process->stderr_text();
  process->Kill(SIGINT);
  EXPECT_EQ(process->Wait().exit_code, 130) << process->stderr_text();
  const nlohmann::json compare = ReadJson(JoinPath(dir, "compare.json"));
  ASSERT_GE(compare["methods"].size(), 1);
  EXPECT_EQ(compare["methods"][0]["method"], "minmax");
  EXPECT_LT(compare["methods"].size(), 3);
  EXPECT_FALSE(FileExists(JoinPath(dir, "kl/report.json")));
}

// Refuses `flags` with one line that has `text` in it.
void ExpectRefused(const std::string& model,
                   const std::vector<std::string>& flags,
                   const std::string& text) {
  SCOPED_TRACE(text);
  const std::string out = NewFolder("refused");
  const ProcessResult run = RunQuantize(Command(model, out), flags);
  EXPECT_EQ(run.end.exit_code, 2);
  EXPECT_THAT(run.stderr_text, HasSubstr("quantize: "));
  EXPECT_THAT(run.stderr_text, HasSubstr(text));
  EXPECT_EQ(run.stdout_text, "");
}

TEST(QuantizeTest, WrongFlagsAreNamed) {
  const std::string dir = NewFolder("wrong_flags");
  const std::string model = WriteModel(dir, Network("mobilenet_v2", 10));
  ExpectRefused(model, {"--method", "magic"}, "--method: \"magic\"");
  ExpectRefused(model, {"--method", "mse+minmax"}, "cannot follow");
  ExpectRefused(model, {"--weights", "some"}, "--weights: \"some\"");
  ExpectRefused(model, {"--weight_bits", "9"}, "--weight_bits is 9");
  ExpectRefused(model, {"--min_variance", "-1"}, "--min_variance: -1");
  ExpectRefused(model, {"--calibration_images", "0"}, "--calibration_images");
  ExpectRefused(model, {"--calibration_images", "9999"}, "number of images");
  ExpectRefused(model, {"--dataset", "cifar10"}, "--data_dir");
  ExpectRefused(model, {"surplus"}, "surplus");
}

TEST(QuantizeTest, WrongModelsAreNamed) {
  const std::string dir = NewFolder("wrong_models");
  ExpectRefused(JoinPath(dir, "none.fnfp"), {}, "none.fnfp");
  const std::string text = JoinPath(dir, "text");
  ASSERT_OK(WriteFileAtomic(text, "hello"));
  ExpectRefused(text, {}, "not a float network");
  ExpectRefused(WriteModel(dir, Network("mobilenet_v2", 7)), {}, "7 classes");
}

}  // namespace
}  // namespace frostnas
