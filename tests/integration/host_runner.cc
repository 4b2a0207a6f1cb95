#include "tests/integration/host_runner.h"

#include <string>

#include "base/check.h"
#include "base/file.h"

namespace frostnas {
namespace {

constexpr char kRunner[] = "latency/runner/runner";
constexpr char kSpoiling[] = "tests/integration/spoiling_runner";
constexpr int64_t kMaxRunnerBytes = int64_t{256} << 20;

std::string BytesOf(const char* file) {
  auto read = ReadFile(file, kMaxRunnerBytes);
  CHECK_OK(read);
  return *std::move(read);
}

}  // namespace

latency::RunnerBundle HostRunner() {
  static const auto& bytes = *new std::string(BytesOf(kRunner));
  return {.files = {{"runner", bytes}}, .launch = {"./runner"}};
}

latency::RunnerBundle SpoilingRunner() {
  static const auto& bytes = *new std::string(BytesOf(kSpoiling));
  latency::RunnerBundle bundle = HostRunner();
  bundle.files.push_back({"spoiling_runner", bytes});
  bundle.launch = {"./spoiling_runner"};
  return bundle;
}

}  // namespace frostnas
