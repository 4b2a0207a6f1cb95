#include "latency/phone/acceptance.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace frostnas::latency {
namespace {

int OnlineCores(const v1::Conditions& conditions) {
  return static_cast<int>(std::count_if(conditions.core_khz().begin(),
                                        conditions.core_khz().end(),
                                        [](int64_t khz) { return khz > 0; }));
}

// Empty where nothing changed.
std::string WhatChanged(const v1::Conditions& before,
                        const v1::Conditions& after) {
  const int cores = std::max(before.governor_size(), after.governor_size());
  if (before.governor_size() != after.governor_size() ||
      OnlineCores(before) != OnlineCores(after)) {
    return absl::StrCat("cores online went from ", OnlineCores(before), " to ",
                        OnlineCores(after));
  }
  for (int core = 0; core < cores; ++core) {
    if (before.governor(core) == after.governor(core)) continue;
    return absl::StrCat("the governor of core ", core, " went from \"",
                        before.governor(core), "\" to \"", after.governor(core),
                        "\"");
  }
  return "";
}

std::string Hot(const v1::Conditions& conditions, double limit_c) {
  return absl::StrFormat("%.1f degrees Celsius, over %.0f",
                         conditions.temperature_c(), limit_c);
}

}  // namespace

AcceptanceResult JudgeStart(const AcceptanceRules& rules,
                            const v1::Conditions& before, bool cooling) {
  const double limit_c =
      cooling ? rules.cool_temperature_c : rules.max_temperature_c;
  if (before.temperature_c() <= limit_c) return {};
  return {Acceptance::kCoolDown, Hot(before, limit_c)};
}

AcceptanceResult Judge(const AcceptanceRules& rules,
                       const v1::Measurement& measurement) {
  const std::string changed =
      WhatChanged(measurement.before(), measurement.after());
  if (!changed.empty()) return {Acceptance::kReject, changed};
  if (measurement.after().temperature_c() > rules.max_temperature_c) {
    return {Acceptance::kCoolDown,
            Hot(measurement.after(), rules.max_temperature_c)};
  }
  if (measurement.slope() > rules.max_slope) {
    return {Acceptance::kCoolDown,
            absl::StrFormat("throttling: the reference became %.0f %% slower",
                            100 * measurement.slope())};
  }
  if (measurement.verdict() == v1::MEASUREMENT_VERDICT_NOISY) {
    return {Acceptance::kMeasureAgain, "noisy"};
  }
  return {};
}

}  // namespace frostnas::latency
