// What a phone says about itself while it is measured: heat, frequencies,
// governors.
#ifndef FROSTNAS_LATENCY_PHONE_CONDITIONS_H_
#define FROSTNAS_LATENCY_PHONE_CONDITIONS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/stop.h"
#include "latency/adb/adb.h"
#include "proto/frostnas/v1/measurement.pb.h"

namespace frostnas::latency {

// Sensors and cores of one phone, found once.
struct ConditionFiles {
  std::vector<std::string> temperature;  // thermal_zoneN/temp
  std::vector<std::string> frequency;    // a core each: scaling_cur_freq
  std::vector<std::string> governor;     // a core each
};

// The thermal zones whose type speaks of processor, battery or skin (all, if
// none does), and the files of `cores` cores. Errors: adb.h's.
absl::StatusOr<ConditionFiles> FindConditionFiles(const Adb& adb,
                                                  const std::string& serial,
                                                  int cores,
                                                  const StopToken& stop);

absl::StatusOr<v1::Conditions> ReadConditions(const Adb& adb,
                                              const std::string& serial,
                                              const ConditionFiles& files,
                                              Clock& clock,
                                              const StopToken& stop);

// Degrees Celsius of a thermal zone's text: phones write degrees, tenths or
// thousandths. Below absolute zero: not a temperature, or not a likely one.
double ParseTemperature(absl::string_view text);
constexpr double kNoTemperature = -1000;

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PHONE_CONDITIONS_H_
