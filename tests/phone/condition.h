// What a phone shows of itself: processor, heat, memory, storage, properties.
//
// A plain value, shown as the files of a Linux kernel by ConditionFiles and as
// Android's properties. Thread-compatible.
#ifndef FROSTNAS_TESTS_PHONE_CONDITION_H_
#define FROSTNAS_TESTS_PHONE_CONDITION_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace frostnas::phone {

struct Core {
  int max_khz = 0;
  int part = 0;  // of /proc/cpuinfo, 0xd05 for a Cortex-A55
  int current_khz = 0;
  std::string governor = "schedutil";
  bool online = true;
};

struct ThermalZone {
  std::string type;
  int milli_degrees = 0;
};

struct Condition {
  std::vector<Core> cores;
  std::vector<ThermalZone> zones;
  int64_t memory_bytes = 0;
  int64_t storage_bytes = 0;
  int64_t free_bytes = 0;
  std::string boot_id;
  std::map<std::string, std::string> properties;
};

// An invented phone with 4 little, 3 middle and 1 big core.
Condition DefaultCondition();

// The same phone with as many cores as this machine has, so that programs can
// stay on any of them: one big, the last that this process may use, and others
// little.
Condition HostLikeCondition();

// "0-3,5": the cores' numbers as the kernel writes them.
std::string CoreList(const std::vector<int>& cores);

// The files of /sys and /proc that show it, by path.
std::map<std::string, std::string> ConditionFiles(const Condition& condition);

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_CONDITION_H_
