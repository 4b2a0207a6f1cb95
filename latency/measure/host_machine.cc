#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/stop.h"
#include "latency/measure/machine.h"

namespace frostnas::latency {
namespace {

class HostMachine final : public Machine {
 public:
  explicit HostMachine(int core)
      : alone_(core >= 0),
        cpu_(core < 0 ? std::string("cpu") : absl::StrCat("cpu", core)),
        tick_(absl::Seconds(1) / sysconf(_SC_CLK_TCK)) {}

  int64_t NowNs() override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  absl::Duration Used() override {
    if (!alone_) return absl::Nanoseconds(NowNs());
    timespec used = {};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return absl::DurationFromTimespec(used);
  }

  int64_t Preemptions() override {
    rusage usage = {};
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
  }

  // Line "cpuN user nice system idle iowait irq softirq steal ...", in ticks.
  absl::Duration Stolen() override {
    std::ifstream stat("/proc/stat");
    std::string line;
    while (std::getline(stat, line)) {
      std::istringstream fields(line);
      std::string name;
      fields >> name;
      if (name != cpu_) continue;
      int64_t ticks = 0;
      for (int field = 0; field < 8; ++field) fields >> ticks;
      return fields ? ticks * tick_ : absl::ZeroDuration();
    }
    return absl::ZeroDuration();
  }

  void Pause(absl::Duration duration, const StopToken& stop) override {
    stop.WaitFor(duration);
  }

 private:
  const bool alone_;
  const std::string cpu_;
  const absl::Duration tick_;
};

}  // namespace

std::unique_ptr<Machine> CreateHostMachine(int core) {
  return std::make_unique<HostMachine>(core);
}

}  // namespace frostnas::latency
