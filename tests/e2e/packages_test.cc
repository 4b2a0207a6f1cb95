// The packages that a run of the controller leaves, read and executed anew.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "base/file.h"
#include "base/random.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "quant/executor.h"
#include "quant/package.h"
#include "tests/e2e/small_run.h"
#include "tests/testing/process.h"

namespace frostnas {
namespace {

constexpr int kImages = 64;

std::vector<float> Logits(quant::Executor& executor,
                          const std::vector<uint8_t>& pixels) {
  std::vector<float> logits(kImages * executor.output_elements());
  executor.Run(pixels, kImages, absl::MakeSpan(logits));
  return logits;
}

void ExpectSameLogits(const v1::Package& package) {
  ASSERT_OK_AND_ASSIGN(const auto reference,
                       quant::CreateReferenceExecutor(package));
  ASSERT_OK_AND_ASSIGN(const auto onednn, quant::CreateOnednnExecutor(package));
  const v1::Architecture& architecture = package.architecture();
  Random random(1);
  std::vector<uint8_t> pixels(kImages * architecture.input_size() *
                              architecture.input_size() *
                              architecture.input_channels());
  for (uint8_t& pixel : pixels) {
    pixel = static_cast<uint8_t>(random.NextUint32());
  }
  EXPECT_EQ(Logits(*reference, pixels), Logits(*onednn, pixels));
}

TEST(PackagesOfARunTest, GiveTheReferencesLogitsInTheFastExecutor) {
  const std::string out = NewFolder("packages");
  const ProcessResult run = RunProcess(SmallRun(out));
  ASSERT_EQ(run.end.exit_code, 0) << run.stderr_text;
  const std::string models = JoinPath(out, "models");
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, ListDir(models));
  int packages = 0;
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, ".fnpkg")) continue;
    SCOPED_TRACE(name);
    ++packages;
    ASSERT_OK_AND_ASSIGN(const std::string bytes,
                         ReadFile(JoinPath(models, name), 64 << 20));
    ASSERT_OK_AND_ASSIGN(const v1::Package package, quant::ParsePackage(bytes));
    ExpectSameLogits(package);
  }
  EXPECT_GE(packages, 1);
}

}  // namespace
}  // namespace frostnas
