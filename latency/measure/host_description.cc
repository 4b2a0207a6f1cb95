#include "latency/measure/host_description.h"

#include <sched.h>

#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/sha256.h"
#include "quant/onednn/isa.h"

namespace frostnas::latency {
namespace {

// Value of the first "KEY : VALUE" line; empty where there is none.
std::string FirstValue(absl::string_view text, absl::string_view key) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::StripAsciiWhitespace(field.first) == key) {
      return std::string(absl::StripAsciiWhitespace(field.second));
    }
  }
  return "";
}

std::string ReadCpuinfo() {
  std::ifstream file("/proc/cpuinfo");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Of this process, not of the machine: a container may have fewer.
int Cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return 1;
  return CPU_COUNT(&allowed);
}

}  // namespace

std::string ProcessorName(absl::string_view cpuinfo) {
  const std::string name = FirstValue(cpuinfo, "model name");
  if (!name.empty()) return name;
  const std::string implementer = FirstValue(cpuinfo, "CPU implementer");
  if (implementer.empty()) return "unknown processor";
  return absl::StrCat("ARM implementer ", implementer, " part ",
                      FirstValue(cpuinfo, "CPU part"));
}

std::string DeviceFingerprint(const v1::Device& device) {
  // Of how times are stated; those of another revision do not compare.
  constexpr int kMethod = 4;
  std::string text =
      absl::StrCat("model=", device.model(), "\nisa=", device.isa(),
                   "\ncores=", device.cores(), "\nruntime=", device.runtime(),
                   "\nmethod=", kMethod, "\n");
  // Of phones only, so that tables of other devices stay valid.
  if (!device.os_build().empty()) {
    absl::StrAppend(
        &text, "soc=", device.soc(), "\nos_build=", device.os_build(),
        "\nmax_khz=", absl::StrJoin(device.core_max_khz(), ","),
        "\non=", absl::StrJoin(device.measuring_cores(), ","), "\n");
  }
  return Sha256Hex(text);
}

v1::Device DescribeHost() {
  const std::string cpuinfo = ReadCpuinfo();
  v1::Device device;
  device.set_id("host");
  // Virtual machines give many processors one name; the model number tells
  // them apart.
  device.set_model(absl::StrCat(ProcessorName(cpuinfo), " (family ",
                                FirstValue(cpuinfo, "cpu family"), " model ",
                                FirstValue(cpuinfo, "model"), " stepping ",
                                FirstValue(cpuinfo, "stepping"), ")"));
  device.set_isa(quant::DetectInt8Isa().name);
  device.set_cores(Cores());
  device.set_runtime(quant::Int8RuntimeName());
  device.set_measured(true);
  device.set_fingerprint(DeviceFingerprint(device));
  return device;
}

}  // namespace frostnas::latency
