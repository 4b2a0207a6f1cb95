#include "latency/device.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace frostnas::latency {
namespace {

constexpr char kValidIds[] = "host, adb:SERIAL or table:FILE";
constexpr int kMaxThreads = 64;
constexpr int kMaxBatch = 1024;
constexpr double kMaxSustainedS = 3600;
constexpr char kTooHot[] = "frostnas.latency/too_hot";

absl::Status BadId(absl::string_view id, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(
      "device \"", absl::CHexEscape(id), "\": ", why, "; it is ", kValidIds));
}

// What adb gives for USB, TCP and emulator devices.
bool IsSerial(absl::string_view text) {
  return !text.empty() && text.size() <= 128 && text[0] != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) || absl::StrContains("._:-", c);
         });
}

}  // namespace

absl::StatusOr<DeviceId> ParseDeviceId(absl::string_view id) {
  if (id == "host") return DeviceId{};
  absl::string_view rest = id;
  if (absl::ConsumePrefix(&rest, "adb:")) {
    if (!IsSerial(rest)) return BadId(id, "not a serial number");
    return DeviceId{DeviceKind::kAdb, std::string(rest)};
  }
  if (absl::ConsumePrefix(&rest, "table:")) {
    if (rest.empty()) return BadId(id, "no file named");
    return DeviceId{DeviceKind::kTable, std::string(rest)};
  }
  return BadId(id, "unknown kind");
}

Effort EffortOf(v1::MeasureEffort effort) {
  switch (effort) {
    case v1::MEASURE_EFFORT_SMOKE:
      return Effort::kSmoke;
    case v1::MEASURE_EFFORT_FULL:
      return Effort::kFull;
    default:
      return Effort::kQuick;
  }
}

v1::MeasureEffort ToProto(Effort effort) {
  switch (effort) {
    case Effort::kSmoke:
      return v1::MEASURE_EFFORT_SMOKE;
    case Effort::kQuick:
      return v1::MEASURE_EFFORT_QUICK;
    case Effort::kFull:
      return v1::MEASURE_EFFORT_FULL;
  }
  return v1::MEASURE_EFFORT_QUICK;
}

absl::Status TooHotError(absl::string_view message) {
  absl::Status status = absl::UnavailableError(message);
  status.SetPayload(kTooHot, absl::Cord());
  return status;
}

bool IsTooHot(const absl::Status& status) {
  return status.GetPayload(kTooHot).has_value();
}

double FullSpeedNs(const v1::FullSpeeds& speeds, int reference_size) {
  const auto found = speeds.ns().find(reference_size);
  return found == speeds.ns().end() ? 0 : found->second;
}

absl::Status CheckRequest(const MeasureRequest& request) {
  if (request.threads < 1 || request.threads > kMaxThreads) {
    return absl::InvalidArgumentError(absl::StrCat(
        "threads ", request.threads, " is not in 1..", kMaxThreads));
  }
  if (request.batch < 1 || request.batch > kMaxBatch) {
    return absl::InvalidArgumentError(
        absl::StrCat("batch ", request.batch, " is not in 1..", kMaxBatch));
  }
  // Not a number is refused as well.
  if (!(request.sustained_s >= 0 && request.sustained_s <= kMaxSustainedS)) {
    return absl::InvalidArgumentError(
        absl::StrCat("sustained load of ", request.sustained_s,
                     " seconds is not in 0..", kMaxSustainedS));
  }
  for (const auto& [size, ns] : request.full_speeds.ns()) {
    if (ns > 0 && std::isfinite(ns)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "full_speeds of the reference of ", size, " pixels is not a time"));
  }
  return absl::OkStatus();
}

}  // namespace frostnas::latency
