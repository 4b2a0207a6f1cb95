#include "search/study_spec.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "arch/space.h"
#include "base/status_macros.h"
#include "search/presets.h"

namespace frostnas::search {
namespace {

constexpr int kMaxDevices = 16;
constexpr double kMaxSustainedS = 3600;

absl::Status InRange(const char* field, double value, double low, double high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "spec.", field, ": ", value, " is not in ", low, "..", high));
}

absl::Status ValidateDataset(const v1::DatasetSpec& dataset) {
  if (!v1::DatasetKind_IsValid(dataset.kind()) ||
      dataset.kind() == v1::DATASET_KIND_UNSPECIFIED) {
    return absl::InvalidArgumentError("spec.dataset.kind: not given");
  }
  if (dataset.kind() != v1::DATASET_KIND_SYNTHETIC &&
      dataset.data_dir().empty()) {
    return absl::InvalidArgumentError(
        "spec.dataset.data_dir: needed for every data set but synthetic "
        "(--data_dir DIR)");
  }
  RETURN_IF_ERROR(
      InRange("dataset.train_images", dataset.train_images(), 0, 1e8));
  RETURN_IF_ERROR(
      InRange("dataset.arch_fraction", dataset.arch_fraction(), 0, 0.5));
  return InRange("dataset.val_fraction", dataset.val_fraction(), 0, 0.5);
}

absl::Status ValidateDevices(const v1::StudySpec& spec) {
  if (spec.devices().empty() || spec.devices_size() > kMaxDevices) {
    return absl::InvalidArgumentError(
        absl::StrCat("spec.devices: ", spec.devices_size(), " given, 1..",
                     kMaxDevices, " are possible"));
  }
  std::set<std::string> devices;
  for (const std::string& device : spec.devices()) {
    if (!devices.insert(device).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("spec.devices: \"", device, "\" is given twice"));
    }
    if (device == "host" || absl::StartsWith(device, "adb:") ||
        absl::StartsWith(device, "table:")) {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("spec.devices: \"", device,
                     "\" is not host, adb:SERIAL or table:FILE"));
  }
  for (const v1::LatencyLimit& limit : spec.latency_limits()) {
    if (!devices.contains(limit.device_id())) {
      return absl::InvalidArgumentError(
          absl::StrCat("spec.latency_limits: \"", limit.device_id(),
                       "\" is not among the study's devices"));
    }
    if (limit.limit_ns() <= 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("spec.latency_limits: the limit on ", limit.device_id(),
                       " must be above 0 ms"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateStudySpec(const v1::StudySpec& spec) {
  RETURN_IF_ERROR(arch::SearchSpace::Create(spec.space()).status());
  RETURN_IF_ERROR(ValidateDataset(spec.dataset()));
  RETURN_IF_ERROR(ValidateDevices(spec));
  if (!v1::Strategy_IsValid(spec.strategy()) ||
      spec.strategy() == v1::STRATEGY_UNSPECIFIED) {
    return absl::InvalidArgumentError("spec.strategy: not given");
  }
  RETURN_IF_ERROR(CheckBudget(spec.budget()));
  // Not a number is refused as well.
  if (!(spec.sustained_s() >= 0 && spec.sustained_s() <= kMaxSustainedS)) {
    return absl::InvalidArgumentError(
        absl::StrCat("spec.sustained_s: ", spec.sustained_s(), " is not in 0..",
                     kMaxSustainedS, " seconds"));
  }
  return InRange("threads", spec.threads(), 1, 64);
}

}  // namespace frostnas::search
