#include "tests/integration/host_runner.h"

#include "base/check.h"
#include "base/file.h"

namespace frostnas {
namespace {

constexpr char kRunner[] = "latency/runner/runner";
constexpr int64_t kMaxRunnerBytes = int64_t{256} << 20;

}  // namespace

latency::RunnerBundle HostRunner() {
  static const std::string* const bytes = [] {
    auto read = ReadFile(kRunner, kMaxRunnerBytes);
    CHECK_OK(read);
    return new std::string(*std::move(read));
  }();
  return {.files = {{"runner", *bytes}}, .launch = {"./runner"}};
}

}  // namespace frostnas
