#include "latency/custom/custom_runtime.h"

#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "arch/textproto.h"
#include "base/status_macros.h"
#include "latency/device.h"
#include "latency/samples_digest.h"
#include "latency/statistics.h"
#include "re2/re2.h"

namespace frostnas::latency {
namespace {

constexpr int kMaxRuns = 1000;
constexpr int kMaxDeadlineS = 3600;
constexpr int kDefaultRuns = 5;
constexpr int kDefaultDeadlineS = 60;
constexpr size_t kMaxSamples = 1000000;
constexpr double kMaxNs = 3600e9;
constexpr size_t kShownOutput = 300;
constexpr double kConfidence = 0.95;

// Nanoseconds of a unit; 0: there is no such unit.
double UnitNs(absl::string_view unit) {
  if (unit == "ns") return 1;
  if (unit == "us") return 1e3;
  if (unit == "ms") return 1e6;
  if (unit == "s") return 1e9;
  return 0;
}

absl::Status CheckDevice(const std::string& id) {
  ASSIGN_OR_RETURN(const DeviceId device, ParseDeviceId(id));
  if (device.kind != DeviceKind::kTable) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("device_id: ", id, " is looked up, not measured"));
}

absl::Status CheckConfig(const v1::CustomRuntime& config) {
  RETURN_IF_ERROR(CheckDevice(config.device_id()));
  const auto bad = [](absl::string_view what) {
    return absl::InvalidArgumentError(what);
  };
  if (config.name().empty()) return bad("name: is empty");
  if (config.model_format() == v1::MODEL_FORMAT_UNSPECIFIED) {
    return bad("model_format: is not MODEL_FORMAT_ONNX or _PACKAGE");
  }
  if (config.command().empty() || config.command(0).empty()) {
    return bad("command: is empty");
  }
  const std::string command = absl::StrJoin(config.command(), " ");
  if (command.find("{model}") == std::string::npos) {
    return bad("command: {model} is not in it");
  }
  if (UnitNs(config.unit()) == 0) {
    return bad(
        absl::StrCat("unit: \"", config.unit(), "\" is not ns, us, ms or s"));
  }
  if (config.runs() < 0 || config.runs() > kMaxRuns) {
    return bad(
        absl::StrCat("runs: ", config.runs(), " is not in 0..", kMaxRuns));
  }
  if (config.deadline_s() < 0 || config.deadline_s() > kMaxDeadlineS) {
    return bad(absl::StrCat("deadline_s: ", config.deadline_s(),
                            " is not in 0..", kMaxDeadlineS));
  }
  return absl::OkStatus();
}

std::string Mask(const std::vector<int>& cores) {
  uint64_t mask = 0;
  for (int core : cores) {
    if (core < 64) mask |= uint64_t{1} << core;
  }
  return absl::StrCat(absl::Hex(mask == 0 ? ~uint64_t{0} : mask));
}

std::string End(absl::string_view output) {
  const size_t from =
      output.size() > kShownOutput ? output.size() - kShownOutput : 0;
  std::string end(output.substr(from));
  for (char& c : end) {
    if (c < 0x20 || c > 0x7e) c = ' ';
  }
  return end;
}

}  // namespace

absl::StatusOr<CustomRuntime> CustomRuntime::Create(
    const v1::CustomRuntime& config, absl::string_view source) {
  if (const absl::Status checked = CheckConfig(config); !checked.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(source, ": ", checked.message()));
  }
  auto pattern = std::make_shared<re2::RE2>(config.pattern(), re2::RE2::Quiet);
  if (!pattern->ok() || pattern->NumberOfCapturingGroups() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        source, ": pattern: ",
        pattern->ok() ? "has not exactly one group" : pattern->error()));
  }
  CustomRuntime runtime;
  runtime.config_ = config;
  runtime.unit_ns_ = UnitNs(config.unit());
  runtime.pattern_ = std::move(pattern);
  return runtime;
}

int CustomRuntime::runs() const {
  return config_.runs() > 0 ? config_.runs() : kDefaultRuns;
}

absl::Duration CustomRuntime::deadline() const {
  return absl::Seconds(config_.deadline_s() > 0 ? config_.deadline_s()
                                                : kDefaultDeadlineS);
}

std::vector<std::string> CustomRuntime::Command(
    const CommandValues& values) const {
  std::vector<std::string> argv;
  for (const std::string& argument : config_.command()) {
    argv.push_back(absl::StrReplaceAll(
        argument, {{"{model}", values.model},
                   {"{threads}", absl::StrCat(values.threads)},
                   {"{cores}", Mask(values.cores)}}));
  }
  return argv;
}

absl::StatusOr<std::vector<int64_t>> CustomRuntime::SamplesNs(
    absl::string_view output) const {
  std::vector<int64_t> samples;
  re2::StringPiece rest(output.data(), output.size());
  std::string number;
  while (samples.size() < kMaxSamples &&
         re2::RE2::FindAndConsume(&rest, *pattern_, &number)) {
    double value = 0;
    const bool time = absl::SimpleAtod(number, &value) && value > 0 &&
                      value * unit_ns_ <= kMaxNs;
    if (!time) {
      return absl::AbortedError(absl::StrCat(config_.name(), " printed \"",
                                             End(number),
                                             "\", which is not a time"));
    }
    samples.push_back(std::max<int64_t>(1, std::llround(value * unit_ns_)));
  }
  if (!samples.empty()) return samples;
  return absl::AbortedError(
      absl::StrCat(config_.name(), " printed nothing like /", config_.pattern(),
                   "/; its output ends with: ", End(output)));
}

absl::StatusOr<std::vector<CustomRuntime>> LoadCustomRuntimes(
    const std::string& path) {
  v1::CustomRuntimes configs;
  RETURN_IF_ERROR(arch::ReadTextproto(path, configs));
  std::vector<CustomRuntime> runtimes;
  std::set<std::string> devices;
  for (int i = 0; i < configs.runtime_size(); ++i) {
    const std::string source = absl::StrCat(path, ": runtime ", i + 1);
    ASSIGN_OR_RETURN(CustomRuntime runtime,
                     CustomRuntime::Create(configs.runtime(i), source));
    if (!devices.insert(runtime.config().device_id()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(source, ": device_id: ", runtime.config().device_id(),
                       " has a runtime already"));
    }
    runtimes.push_back(std::move(runtime));
  }
  return runtimes;
}

v1::Measurement ReportedMeasurement(
    absl::Span<const std::vector<int64_t>> runs) {
  std::vector<double> medians;
  std::vector<int64_t> samples;
  for (const std::vector<int64_t>& run : runs) {
    medians.push_back(Median(std::vector<double>(run.begin(), run.end())));
    samples.insert(samples.end(), run.begin(), run.end());
  }
  const Interval interval = MedianInterval(medians, kConfidence);
  v1::Measurement measurement;
  measurement.set_median_ns(std::llround(Median(medians)));
  measurement.set_p90_ns(std::llround(
      Quantile(std::vector<double>(samples.begin(), samples.end()), 0.9)));
  measurement.set_ci_low_ns(std::llround(interval.low));
  measurement.set_ci_high_ns(std::llround(interval.high));
  measurement.set_samples(static_cast<int>(samples.size()));
  measurement.set_samples_sha256(SamplesDigest(samples));
  measurement.set_core(-1);
  measurement.set_verdict(v1::MEASUREMENT_VERDICT_REPORTED);
  return measurement;
}

}  // namespace frostnas::latency
