#include "tests/phone/condition.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "latency/measure/affinity.h"

namespace frostnas::phone {
namespace {

using Files = std::map<std::string, std::string>;

constexpr char kCpu[] = "/sys/devices/system/cpu";
// What a Cortex-A76 of ARMv8.2 lists.
constexpr char kFeatures[] =
    "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid "
    "asimdrdm lrcpc dcpop asimddp";

std::string Line(absl::string_view text) { return absl::StrCat(text, "\n"); }

void AddCores(const Condition& condition, Files& files) {
  std::vector<int> all, online;
  for (int i = 0; i < static_cast<int>(condition.cores.size()); ++i) {
    const Core& core = condition.cores[static_cast<size_t>(i)];
    all.push_back(i);
    if (core.online) online.push_back(i);
    const std::string cpu = absl::StrCat(kCpu, "/cpu", i);
    const std::string freq = absl::StrCat(cpu, "/cpufreq");
    files[absl::StrCat(cpu, "/online")] = core.online ? "1\n" : "0\n";
    files[absl::StrCat(freq, "/cpuinfo_max_freq")] =
        Line(absl::StrCat(core.max_khz));
    files[absl::StrCat(freq, "/scaling_max_freq")] =
        Line(absl::StrCat(core.max_khz));
    files[absl::StrCat(freq, "/scaling_cur_freq")] =
        Line(absl::StrCat(core.current_khz));
    files[absl::StrCat(freq, "/scaling_governor")] = Line(core.governor);
  }
  files[absl::StrCat(kCpu, "/present")] = Line(CoreList(all));
  files[absl::StrCat(kCpu, "/possible")] = Line(CoreList(all));
  files[absl::StrCat(kCpu, "/online")] = Line(CoreList(online));
}

std::string CpuInfo(const Condition& condition) {
  std::string text;
  int number = 0;
  for (const Core& core : condition.cores) {
    const int processor = number++;
    if (!core.online) continue;
    absl::StrAppendFormat(&text,
                          "processor\t: %d\n"
                          "BogoMIPS\t: 38.40\n"
                          "Features\t: %s\n"
                          "CPU implementer\t: 0x41\n"
                          "CPU architecture: 8\n"
                          "CPU variant\t: 0x1\n"
                          "CPU part\t: 0x%03x\n"
                          "CPU revision\t: 0\n\n",
                          processor, kFeatures, core.part);
  }
  const auto hardware = condition.properties.find("ro.hardware");
  if (hardware != condition.properties.end()) {
    absl::StrAppend(&text, "Hardware\t: ", hardware->second, "\n");
  }
  return text;
}

std::string MemInfo(const Condition& condition) {
  const int64_t total_kb = condition.memory_bytes / 1024;
  return absl::StrFormat(
      "MemTotal:       %8d kB\n"
      "MemFree:        %8d kB\n"
      "MemAvailable:   %8d kB\n",
      total_kb, total_kb / 8, total_kb / 2);
}

}  // namespace

Condition DefaultCondition() {
  Condition condition;
  condition.cores.resize(8);
  for (size_t i = 0; i < condition.cores.size(); ++i) {
    Core& core = condition.cores[i];
    core.max_khz = i < 4 ? 1800000 : i < 7 ? 2400000 : 2800000;
    core.part = i < 4 ? 0xd05 : 0xd0b;
    core.current_khz = core.max_khz;
  }
  condition.zones = {{"battery", 29000},
                     {"cpu-0-0-usr", 33000},
                     {"cpu-1-0-usr", 34000},
                     {"skin-therm", 31000}};
  condition.memory_bytes = int64_t{8} << 30;
  condition.storage_bytes = int64_t{128} << 30;
  condition.free_bytes = int64_t{64} << 30;
  condition.properties = {
      {"ro.product.name", "frost"},
      {"ro.product.device", "frost"},
      {"ro.product.model", "Frost Test Phone"},
      {"ro.product.manufacturer", "Frost"},
      {"ro.product.cpu.abi", "arm64-v8a"},
      {"ro.soc.manufacturer", "Frost"},
      {"ro.soc.model", "FT1000"},
      {"ro.board.platform", "ft1000"},
      {"ro.hardware", "frost"},
      {"ro.build.version.release", "13"},
      {"ro.build.version.sdk", "33"},
      {"ro.build.fingerprint",
       "Frost/frost/frost:13/TP1A.220624.014/1:user/release-keys"},
      {"ro.serialno", "FROST0001"},
  };
  return condition;
}

Condition HostLikeCondition() {
  Condition condition = DefaultCondition();
  const Core little = condition.cores.front();
  const Core big = condition.cores.back();
  const int last = latency::ChooseCore();
  CHECK_GE(last, 0);
  condition.cores.assign(static_cast<size_t>(last), little);
  condition.cores.push_back(big);
  return condition;
}

std::string CoreList(const std::vector<int>& cores) {
  std::string text;
  for (size_t i = 0; i < cores.size();) {
    size_t end = i + 1;
    while (end < cores.size() && cores[end] == cores[end - 1] + 1) ++end;
    absl::StrAppend(&text, text.empty() ? "" : ",", cores[i]);
    if (end - i > 1) absl::StrAppend(&text, "-", cores[end - 1]);
    i = end;
  }
  return text;
}

std::map<std::string, std::string> ConditionFiles(const Condition& condition) {
  Files files;
  AddCores(condition, files);
  for (size_t i = 0; i < condition.zones.size(); ++i) {
    const std::string zone = absl::StrCat("/sys/class/thermal/thermal_zone", i);
    files[absl::StrCat(zone, "/type")] = Line(condition.zones[i].type);
    files[absl::StrCat(zone, "/temp")] =
        Line(absl::StrCat(condition.zones[i].milli_degrees));
  }
  files["/proc/cpuinfo"] = CpuInfo(condition);
  files["/proc/meminfo"] = MemInfo(condition);
  files["/proc/sys/kernel/random/boot_id"] = Line(condition.boot_id);
  return files;
}

}  // namespace frostnas::phone
