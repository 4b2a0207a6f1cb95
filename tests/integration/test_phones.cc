#include "tests/integration/test_phones.h"

#include <sched.h>

#include "base/check.h"
#include "base/file.h"

namespace frostnas {
namespace {

constexpr char kRunner[] = "latency/runner/runner";
constexpr int64_t kMaxRunnerBytes = int64_t{256} << 20;

int LastUsableCore() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  CHECK_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
  int last = 0;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &allowed)) last = core;
  }
  return last;
}

}  // namespace

phone::Condition HostLikeCondition() {
  phone::Condition condition = phone::DefaultCondition();
  const phone::Core little = condition.cores.front();
  const phone::Core big = condition.cores.back();
  condition.cores.assign(static_cast<size_t>(LastUsableCore()), little);
  condition.cores.push_back(big);
  return condition;
}

latency::RunnerBundle HostRunner() {
  static const std::string* const bytes = [] {
    auto read = ReadFile(kRunner, kMaxRunnerBytes);
    CHECK_OK(read);
    return new std::string(*std::move(read));
  }();
  return {.files = {{"runner", *bytes}}, .launch = {"./runner"}};
}

}  // namespace frostnas
