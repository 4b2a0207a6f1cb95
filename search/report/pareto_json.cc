#include "search/report/pareto_json.h"

#include <google/protobuf/util/json_util.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace frostnas::search {
namespace {

using nlohmann::ordered_json;

// Top-1 and hypervolume below 0 mean "not known yet".
ordered_json Known(double value) {
  return value < 0 ? ordered_json(nullptr) : ordered_json(value);
}

double Milliseconds(int64_t ns) { return static_cast<double>(ns) * 1e-6; }

absl::StatusOr<ordered_json> ArchitectureJson(
    const v1::Architecture& architecture) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto printed =
      google::protobuf::util::MessageToJsonString(architecture, &text, options);
  if (!printed.ok()) {
    return absl::InternalError(absl::StrCat("architecture ",
                                            architecture.name(), ": ",
                                            std::string(printed.message())));
  }
  ordered_json json = ordered_json::parse(text, nullptr, false);
  if (!json.is_discarded()) return json;
  return absl::InternalError(
      absl::StrCat("architecture ", architecture.name(), ": not JSON"));
}

std::string VerdictName(v1::MeasurementVerdict verdict) {
  switch (verdict) {
    case v1::MEASUREMENT_VERDICT_ACCEPTED:
      return "accepted";
    case v1::MEASUREMENT_VERDICT_NOISY:
      return "noisy";
    case v1::MEASUREMENT_VERDICT_LOOKED_UP:
      return "looked_up";
    default:
      return "unknown";
  }
}

ordered_json ConditionsJson(const v1::Conditions& conditions) {
  constexpr double kAbsoluteZero = -273.15;
  return {{"temperature_c", conditions.temperature_c() > kAbsoluteZero
                                ? ordered_json(conditions.temperature_c())
                                : ordered_json(nullptr)},
          {"core_khz", conditions.core_khz()},
          {"governor", conditions.governor()},
          {"read_at_ns", conditions.read_at_ns()}};
}

// What only a phone's measurement has.
void AddPhoneEvidence(const v1::Measurement& latency, ordered_json& json) {
  if (!latency.runtime().empty()) json["runtime"] = latency.runtime();
  if (!latency.has_before()) return;
  json["cores"] = latency.cores();
  json["slope"] = latency.slope();
  json["tries"] = latency.tries();
  json["before"] = ConditionsJson(latency.before());
  json["after"] = ConditionsJson(latency.after());
}

ordered_json SustainedJson(const v1::SustainedLatency& sustained) {
  ordered_json course = ordered_json::array();
  for (const int64_t ns : sustained.course_ns()) {
    course.push_back(Milliseconds(ns));
  }
  return {{"duration_s", sustained.duration_s()},
          {"cold", Milliseconds(sustained.cold_ns())},
          {"hot", Milliseconds(sustained.hot_ns())},
          {"course", std::move(course)}};
}

ordered_json LatencyJson(const v1::Measurement& latency) {
  ordered_json json = {
      {"median", Milliseconds(latency.median_ns())},
      {"p90", Milliseconds(latency.p90_ns())},
      {"samples", latency.samples()},
      {"predicted", latency.predicted_ns() > 0
                        ? ordered_json(Milliseconds(latency.predicted_ns()))
                        : ordered_json(nullptr)},
      {"verdict", VerdictName(latency.verdict())}};
  if (latency.verdict() != v1::MEASUREMENT_VERDICT_LOOKED_UP) {
    json["ci95"] = {Milliseconds(latency.ci_low_ns()),
                    Milliseconds(latency.ci_high_ns())};
    json["rejected_rounds"] = latency.rejected_rounds();
    json["drift"] = latency.drift();
    json["threads"] = latency.threads();
    json["core"] = latency.core();
    json["batch"] = latency.batch();
    json["samples_sha256"] = latency.samples_sha256();
  }
  AddPhoneEvidence(latency, json);
  if (latency.has_sustained()) {
    json["sustained"] = SustainedJson(latency.sustained());
  }
  return json;
}

ordered_json CheckJson(const OnnxExport& exported) {
  if (!exported.check.has_value()) return {{"error", exported.check_error}};
  return {{"top1_agreement", exported.check->top1_agreement},
          {"max_abs_logit_diff", exported.check->max_abs_logit_diff},
          {"within_one_step", exported.check->within_one_step},
          {"images", exported.check->images},
          {"runtime", exported.check->runtime}};
}

// Adds a trial's ONNX file, if it has one, and its check, if there was one.
void AddOnnx(const StudyReport& report, const v1::Trial& trial,
             ordered_json& json) {
  const auto found = report.onnx.find(trial.id());
  if (found == report.onnx.end()) return;
  const OnnxExport& exported = found->second;
  json["files"]["onnx"] = absl::StrCat("models/", trial.id(), ".onnx");
  if (exported.check.has_value() || !exported.check_error.empty()) {
    json["export_check"]["onnx"] = CheckJson(exported);
  }
}

absl::StatusOr<ordered_json> TrialJson(const StudyReport& report,
                                       const v1::Trial& trial) {
  ordered_json latency = ordered_json::object();
  for (const v1::Measurement& measurement : trial.latency()) {
    latency[measurement.device_id()] = LatencyJson(measurement);
  }
  ordered_json files = ordered_json::object();
  if (trial.on_front()) {
    files["package"] = absl::StrCat("models/", trial.id(), ".fnpkg");
  }
  ASSIGN_OR_RETURN(ordered_json architecture,
                   ArchitectureJson(trial.architecture()));
  ordered_json json = {{"id", trial.id()},
                       {"origin", trial.origin()},
                       {"state", v1::TrialState_Name(trial.state()).substr(12)},
                       {"architecture", std::move(architecture)},
                       {"arch_sha256", trial.arch_sha256()},
                       {"params", trial.params()},
                       {"macs", trial.macs()},
                       {"package_bytes", trial.package_bytes()},
                       {"float_top1", Known(trial.float_top1())},
                       {"fake_quant_top1", Known(trial.fake_quant_top1())},
                       {"int8_top1", Known(trial.int8_top1())},
                       {"int8_runtime", trial.int8_runtime()},
                       {"trained_epochs", trial.trained_epochs()},
                       {"latency_ms", std::move(latency)},
                       {"on_front", trial.on_front()},
                       {"files", std::move(files)}};
  AddOnnx(report, trial, json);
  if (!trial.error().empty()) json["error"] = trial.error();
  return json;
}

ordered_json DatasetJson(const v1::DatasetInfo& dataset) {
  return {{"name", dataset.name()},    {"classes", dataset.classes()},
          {"train", dataset.train()},  {"arch", dataset.arch()},
          {"val", dataset.val()},      {"test", dataset.test()},
          {"sha256", dataset.sha256()}};
}

ordered_json DeviceJson(const StudyReport& report, const v1::Device& device) {
  ordered_json json = {{"id", device.id()},
                       {"fingerprint", device.fingerprint()},
                       {"model", device.model()},
                       {"isa", device.isa()},
                       {"cores", device.cores()},
                       {"runtime", device.runtime()},
                       {"measured", device.measured()}};
  if (!device.os_build().empty()) {
    json["soc"] = device.soc();
    json["os_build"] = device.os_build();
    json["memory_bytes"] = device.memory_bytes();
    json["core_max_khz"] = device.core_max_khz();
    json["measuring_cores"] = device.measuring_cores();
  }
  json["front"] = FrontOn(report, device.id());
  return json;
}

}  // namespace

absl::StatusOr<ordered_json> ParetoJson(const StudyReport& report) {
  const v1::Study& study = report.study;
  ordered_json json = {{"study_id", study.id()},
                       {"seed", study.spec().seed()},
                       {"space", study.spec().space().name()},
                       {"width", study.spec().space().width()},
                       {"preset", study.spec().budget().preset()},
                       {"threads", study.spec().threads()},
                       {"dataset", DatasetJson(study.dataset())}};
  json["devices"] = ordered_json::array();
  for (const v1::Device& device : report.devices) {
    json["devices"].push_back(DeviceJson(report, device));
  }
  json["latency_limits_ms"] = ordered_json::object();
  for (const v1::LatencyLimit& limit : study.spec().latency_limits()) {
    json["latency_limits_ms"][limit.device_id()] =
        Milliseconds(limit.limit_ns());
  }
  json["trials"] = ordered_json::array();
  for (const v1::Trial& trial : report.trials) {
    ASSIGN_OR_RETURN(ordered_json trial_json, TrialJson(report, trial));
    json["trials"].push_back(std::move(trial_json));
  }
  json["hypervolume"] = study.hypervolume();
  json["timings_s"] = ordered_json::object();
  for (const PhaseTime& time : report.timings) {
    json["timings_s"][time.phase] = time.seconds;
  }
  return json;
}

std::string JsonText(const ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace frostnas::search
