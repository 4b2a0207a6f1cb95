// How a phone is reached, measured and kept.
#ifndef FROSTNAS_LATENCY_PHONE_PHONE_OPTIONS_H_
#define FROSTNAS_LATENCY_PHONE_PHONE_OPTIONS_H_

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "latency/adb/adb.h"
#include "latency/custom/custom_runtime.h"
#include "latency/custom/model_export.h"
#include "latency/phone/acceptance.h"
#include "latency/phone/phone_life.h"
#include "latency/phone/runner_bundle.h"

namespace frostnas::latency {

struct PhoneOptions {
  std::string serial;
  // core_choice.h.
  std::string cores = "big";
  RunnerBundle runner;
  // Measures whole networks in place of the runner, with what it takes.
  std::optional<CustomRuntime> custom;
  ModelExport export_model;
  AdbOptions adb;
  AcceptanceRules rules;
  PhoneLifeOptions life;
  // Runs of one measurement before the last stands.
  int max_tries = 3;
  // A phone that does not sign up within this is given up by Open.
  absl::Duration sign_up_within = absl::Seconds(60);
  // How long a measurement waits for a phone that is not clean.
  absl::Duration lease_within = absl::Seconds(20);
  // The runner's time beside that of measuring: starting and warming up.
  absl::Duration runner_start = absl::Seconds(60);
  // The longest that measuring one network or operator takes by itself.
  absl::Duration measuring = absl::Seconds(10);
  // Between looks at a phone that is well, and at one that is not.
  absl::Duration check_every = absl::Seconds(30);
  absl::Duration retry_every = absl::Seconds(1);
};

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_PHONE_PHONE_OPTIONS_H_
