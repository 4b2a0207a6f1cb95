// What a phone shows of itself: processor, heat, memory, storage, properties.
//
// A plain value, written as the files of a Linux kernel and the properties of
// Android by WriteCondition. Thread-compatible.
#ifndef FROSTNAS_TESTS_PHONE_CONDITION_H_
#define FROSTNAS_TESTS_PHONE_CONDITION_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"

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

// "0-3,5": the cores' numbers as the kernel writes them.
std::string CoreList(const std::vector<int>& cores);

// Writes the files of /sys and /proc under `root`, each replaced whole.
absl::Status WriteCondition(const Condition& condition,
                            const std::string& root);

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_CONDITION_H_
