#include "latency/phone/description.h"

#include <cstdint>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "latency/phone/core_choice.h"

namespace frostnas::latency {
namespace {

constexpr char kPossible[] = "/sys/devices/system/cpu/possible";
constexpr char kMemory[] = "/proc/meminfo";
// A phone's text ends up in reports.
constexpr size_t kMaxText = 128;

using Properties = absl::flat_hash_map<std::string, std::string>;

std::string Text(const Properties& properties, const std::string& name) {
  const auto found = properties.find(name);
  if (found == properties.end()) return "";
  std::string text = found->second.substr(0, kMaxText);
  for (char& c : text) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return text;
}

std::string FirstOf(const Properties& properties,
                    const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const std::string text = Text(properties, name);
    if (!text.empty()) return text;
  }
  return "unknown";
}

// Maker and model; many models' names begin with their maker's.
std::string ModelName(const Properties& properties) {
  const std::string maker = FirstOf(properties, {"ro.product.manufacturer"});
  const std::string model = FirstOf(properties, {"ro.product.model"});
  return absl::StartsWithIgnoreCase(model, maker)
             ? model
             : absl::StrCat(maker, " ", model);
}

// The line "MemTotal:  3814532 kB"; 0 where there is none.
int64_t MemoryBytes(absl::string_view meminfo) {
  for (absl::string_view line : absl::StrSplit(meminfo, '\n')) {
    if (!absl::ConsumePrefix(&line, "MemTotal:")) continue;
    absl::ConsumeSuffix(&line, "kB");
    int64_t kib = 0;
    if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(line), &kib)) return 0;
    return kib > 0 && kib < (int64_t{1} << 40) ? kib << 10 : 0;
  }
  return 0;
}

absl::Status CheckProperties(const std::string& serial,
                             const Properties& properties) {
  if (Text(properties, "sys.boot_completed") != "1") {
    return absl::UnavailableError(
        absl::StrCat("phone ", serial, " is still starting"));
  }
  const std::string abi = Text(properties, "ro.product.cpu.abi");
  if (abi == "arm64-v8a") return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("phone ", serial, " runs \"", abi,
                   "\" programs; the runner is for arm64-v8a"));
}

}  // namespace

Properties ParseProperties(absl::string_view text) {
  Properties properties;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (!absl::ConsumePrefix(&line, "[") || !absl::ConsumeSuffix(&line, "]")) {
      continue;
    }
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits("]: [", 1));
    properties[field.first] = std::string(field.second);
  }
  return properties;
}

absl::StatusOr<v1::Device> DescribePhone(const Adb& adb,
                                         const std::string& serial,
                                         const StopToken& stop) {
  ASSIGN_OR_RETURN(const std::string listing,
                   adb.Shell(serial, {"getprop"}, {.stop = stop}));
  const Properties properties = ParseProperties(listing);
  RETURN_IF_ERROR(CheckProperties(serial, properties));
  ASSIGN_OR_RETURN(const std::vector<std::string> texts,
                   adb.ReadFiles(serial, {kPossible, kMemory}, stop));
  const auto cores = ParseCoreList(texts[0]);
  if (!cores.ok() || cores->empty()) {
    return absl::UnavailableError(absl::StrCat(
        "phone ", serial, ": ", kPossible, " does not tell its cores"));
  }
  v1::Device device;
  device.set_id(absl::StrCat("adb:", serial));
  device.set_model(ModelName(properties));
  device.set_soc(FirstOf(properties,
                         {"ro.soc.model", "ro.board.platform", "ro.hardware"}));
  device.set_os_build(FirstOf(properties, {"ro.build.fingerprint"}));
  device.set_memory_bytes(MemoryBytes(texts[1]));
  device.set_cores(cores->back() + 1);
  device.set_measured(true);
  std::vector<std::string> files;
  for (int core = 0; core < device.cores(); ++core) {
    files.push_back(absl::StrCat("/sys/devices/system/cpu/cpu", core,
                                 "/cpufreq/cpuinfo_max_freq"));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> frequencies,
                   adb.ReadFiles(serial, files, stop));
  for (const std::string& text : frequencies) {
    int64_t khz = 0;
    if (!absl::SimpleAtoi(text, &khz) || khz < 0) khz = 0;
    device.add_core_max_khz(khz);
  }
  return device;
}

}  // namespace frostnas::latency
