#include "latency/phone/conditions.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace frostnas::latency {
namespace {

constexpr char kThermal[] = "/sys/class/thermal";
constexpr char kCpu[] = "/sys/devices/system/cpu/cpu";
constexpr size_t kMaxZones = 128;

// Of a directory listing, which is a phone's text.
std::vector<std::string> ZoneNames(absl::string_view listing) {
  std::vector<std::string> zones;
  for (absl::string_view name :
       absl::StrSplit(listing, absl::ByAnyChar(" \r\n\t"), absl::SkipEmpty())) {
    if (!absl::ConsumePrefix(&name, "thermal_zone")) continue;
    int index = 0;
    if (!absl::SimpleAtoi(name, &index) || index < 0) continue;
    if (zones.size() < kMaxZones) {
      zones.push_back(absl::StrCat(kThermal, "/thermal_zone", index));
    }
  }
  return zones;
}

bool SpeaksOfHeat(absl::string_view zone_type) {
  const std::string type = absl::AsciiStrToLower(zone_type);
  for (absl::string_view part : {"cpu", "soc", "skin", "battery", "quiet",
                                 "xo-therm", "big", "little", "mtktscpu"}) {
    if (absl::StrContains(type, part)) return true;
  }
  return false;
}

}  // namespace

double ParseTemperature(absl::string_view text) {
  int64_t value = 0;
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(text), &value)) {
    return kNoTemperature;
  }
  double celsius = static_cast<double>(value);
  if (std::abs(celsius) >= 1000) {
    celsius /= 1000;
  } else if (std::abs(celsius) > 150) {
    celsius /= 10;
  }
  // Sensors that are switched off give such values.
  const bool likely = celsius > -40 && celsius < 150;
  return likely ? celsius : kNoTemperature;
}

absl::StatusOr<ConditionFiles> FindConditionFiles(const Adb& adb,
                                                  const std::string& serial,
                                                  int cores,
                                                  const StopToken& stop) {
  ConditionFiles files;
  const auto listing = adb.Shell(serial, {"ls", kThermal}, {.stop = stop});
  // ABORTED: a phone that does not show its sensors.
  if (!listing.ok() && !absl::IsAborted(listing.status())) {
    return listing.status();
  }
  const std::vector<std::string> zones =
      listing.ok() ? ZoneNames(*listing) : std::vector<std::string>();
  std::vector<std::string> type_files;
  for (const std::string& zone : zones) {
    type_files.push_back(absl::StrCat(zone, "/type"));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> types,
                   adb.ReadFiles(serial, type_files, stop));
  const bool any = std::any_of(types.begin(), types.end(), SpeaksOfHeat);
  for (size_t i = 0; i < zones.size(); ++i) {
    if (any && !SpeaksOfHeat(types[i])) continue;
    files.temperature.push_back(absl::StrCat(zones[i], "/temp"));
  }
  for (int core = 0; core < cores; ++core) {
    const std::string folder = absl::StrCat(kCpu, core, "/cpufreq/");
    files.frequency.push_back(absl::StrCat(folder, "scaling_cur_freq"));
    files.governor.push_back(absl::StrCat(folder, "scaling_governor"));
  }
  return files;
}

absl::StatusOr<v1::Conditions> ReadConditions(const Adb& adb,
                                              const std::string& serial,
                                              const ConditionFiles& files,
                                              Clock& clock,
                                              const StopToken& stop) {
  std::vector<std::string> paths = files.temperature;
  paths.insert(paths.end(), files.frequency.begin(), files.frequency.end());
  paths.insert(paths.end(), files.governor.begin(), files.governor.end());
  ASSIGN_OR_RETURN(const std::vector<std::string> texts,
                   adb.ReadFiles(serial, paths, stop));
  v1::Conditions conditions;
  conditions.set_read_at_ns(absl::ToUnixNanos(clock.Now()));
  double hottest = kNoTemperature;
  size_t next = 0;
  for (size_t i = 0; i < files.temperature.size(); ++i) {
    hottest = std::max(hottest, ParseTemperature(texts[next++]));
  }
  conditions.set_temperature_c(hottest);
  for (size_t i = 0; i < files.frequency.size(); ++i) {
    int64_t khz = 0;
    if (!absl::SimpleAtoi(texts[next++], &khz)) khz = 0;
    conditions.add_core_khz(khz);
  }
  for (size_t i = 0; i < files.governor.size(); ++i) {
    conditions.add_governor(texts[next++].substr(0, 64));
  }
  return conditions;
}

}  // namespace frostnas::latency
