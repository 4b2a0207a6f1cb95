#include "tests/phone/fault.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/random.h"

namespace frostnas::phone {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::pair<FaultKind, absl::string_view>, 15> kNames = {{
    {FaultKind::kDisconnectPush, "disconnect_push"},
    {FaultKind::kCorruptPush, "corrupt_push"},
    {FaultKind::kDisconnectShell, "disconnect_shell"},
    {FaultKind::kTruncateOutput, "truncate_output"},
    {FaultKind::kHangShell, "hang_shell"},
    {FaultKind::kKillProgram, "kill_program"},
    {FaultKind::kHang, "hang"},
    {FaultKind::kOffline, "offline"},
    {FaultKind::kRefused, "refused"},
    {FaultKind::kUnauthorized, "unauthorized"},
    {FaultKind::kStorageFull, "storage_full"},
    {FaultKind::kHot, "hot"},
    {FaultKind::kGovernor, "governor"},
    {FaultKind::kCores, "cores"},
    {FaultKind::kReboot, "reboot"},
}};

absl::Status SetKind(const Json& value, Fault* fault) {
  const std::string name = value.get<std::string>();
  for (const auto& [kind, known] : kNames) {
    if (name != known) continue;
    fault->kind = kind;
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no fault is named \"", name, "\""));
}

absl::Duration Milliseconds(const Json& value) {
  return absl::Milliseconds(value.get<double>());
}

// size: a table of members
absl::Status SetMember(const std::string& name, const Json& value,
                       Fault* fault) {
  if (name == "kind") return SetKind(value, fault);
  if (name == "times") {
    value.get_to(fault->times);
  } else if (name == "expires_ms") {
    fault->expires = Milliseconds(value);
  } else if (name == "duration_ms") {
    fault->duration = Milliseconds(value);
  } else if (name == "delay_ms") {
    fault->delay = Milliseconds(value);
  } else if (name == "at_next_program") {
    value.get_to(fault->at_next_program);
  } else if (name == "after_bytes") {
    value.get_to(fault->after_bytes);
  } else if (name == "command") {
    value.get_to(fault->command);
  } else if (name == "milli_degrees") {
    value.get_to(fault->milli_degrees);
  } else if (name == "governor") {
    value.get_to(fault->governor);
  } else if (name == "cores") {
    value.get_to(fault->cores);
  } else {
    return absl::InvalidArgumentError("no such member");
  }
  return absl::OkStatus();
}

absl::StatusOr<Fault> ParseFault(const Json& json) {
  if (!json.is_object() || !json.contains("kind")) {
    return absl::InvalidArgumentError("kind is missing");
  }
  Fault fault;
  for (const auto& [name, value] : json.items()) {
    absl::Status status;
    try {
      status = SetMember(name, value, &fault);
    } catch (const Json::exception& error) {
      status = absl::InvalidArgumentError(error.what());
    }
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": ", status.message()));
    }
  }
  return fault;
}

Fault RandomFault(FaultKind kind, const RandomFaultOptions& options,
                  Random& random) {
  Fault fault;
  fault.kind = kind;
  fault.delay = options.within * random.Uniform();
  fault.duration = options.longest * random.Uniform(0.1, 1.0);
  fault.expires = options.longest;
  fault.times = 1 + static_cast<int>(random.UniformInt(2));
  // Often at once, else anywhere in a large file or a long output.
  if (random.Bernoulli(0.7)) {
    const uint64_t most = uint64_t{1} << random.UniformInt(20);
    fault.after_bytes = static_cast<int64_t>(random.UniformInt(most));
  }
  if (kind == FaultKind::kKillProgram) fault.delay = fault.duration / 4;
  fault.cores = 1 + static_cast<int>(random.UniformInt(6));
  return fault;
}

}  // namespace

bool IsOperationFault(FaultKind kind) { return kind < FaultKind::kHang; }

absl::string_view FaultName(FaultKind kind) {
  for (const auto& [known, name] : kNames) {
    if (known == kind) return name;
  }
  CHECK(false) << "no such kind";
  return "";
}

const std::vector<FaultKind>& AllFaultKinds() {
  static const auto& kinds = *[] {
    auto* all = new std::vector<FaultKind>;
    for (const auto& [kind, name] : kNames) all->push_back(kind);
    return all;
  }();
  return kinds;
}

FaultPlan RandomFaults(uint64_t seed, const RandomFaultOptions& options) {
  Random random = Random(seed).Split("faults");
  const std::vector<FaultKind>& kinds =
      options.kinds.empty() ? AllFaultKinds() : options.kinds;
  FaultPlan plan;
  for (int i = 0; i < options.count; ++i) {
    const FaultKind kind = kinds[random.UniformInt(kinds.size())];
    plan.push_back(RandomFault(kind, options, random));
  }
  return plan;
}

absl::StatusOr<FaultPlan> ParseFaultScript(absl::string_view text) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (!json.is_object() || !json.contains("faults") ||
      !json["faults"].is_array()) {
    return absl::InvalidArgumentError(
        "a fault script is a JSON object with an array \"faults\"");
  }
  FaultPlan plan;
  for (const Json& each : json["faults"]) {
    absl::StatusOr<Fault> fault = ParseFault(each);
    if (!fault.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("faults[", plan.size(), "].", fault.status().message()));
    }
    plan.push_back(*std::move(fault));
  }
  return plan;
}

}  // namespace frostnas::phone
