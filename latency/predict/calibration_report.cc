#include "latency/predict/calibration_report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "arch/op_key.h"
#include "base/status_macros.h"
#include "latency/predict/predictor.h"
#include "latency/predict/space_networks.h"

namespace frostnas::latency {
namespace {

using nlohmann::ordered_json;

constexpr int kShown = 5;

ordered_json ChoiceJson(const arch::SearchSpace& space,
                        const v1::Choice& choice) {
  ordered_json slots = ordered_json::object();
  for (size_t s = 0; s < space.slots().size(); ++s) {
    const arch::SearchSlot& slot = space.slots()[s];
    // A slot with one candidate is no choice.
    if (slot.candidates.size() < 2) continue;
    const arch::SlotCandidate& candidate =
        slot.candidates[choice.candidate(static_cast<int>(s))];
    v1::Block block = candidate.block;
    block.clear_name();
    slots[slot.name] = candidate.skip ? "skip" : block.ShortDebugString();
  }
  return slots;
}

ordered_json NetworkJson(const ReportedNetwork& network,
                         const arch::SearchSpace& space) {
  const JudgedNetwork& judged = network.judged;
  return {{"arch_sha256", network.arch_sha256},
          {"measured_ns", judged.measured_ns},
          {"predicted_ns", judged.predicted.ns},
          {"interval_ns", {judged.predicted.low_ns, judged.predicted.high_ns}},
          {"relative_error", judged.relative_error()},
          {"choice", ChoiceJson(space, network.choice)}};
}

ordered_json QualityJson(const PredictionQuality& quality) {
  return {{"networks", quality.networks},
          {"mape", quality.mape},
          {"within_5_percent", quality.within_5},
          {"within_10_percent", quality.within_10},
          {"kendall_tau", quality.kendall_tau},
          {"interval_coverage", quality.coverage},
          {"worst_relative_error", quality.worst}};
}

ordered_json SummaryJson(const ProfileSummary& summary) {
  return {{"ops_measured", summary.ops_measured},
          {"ops_s", absl::ToDoubleSeconds(summary.ops_time)},
          {"networks_measured", summary.networks_measured},
          {"networks_s", absl::ToDoubleSeconds(summary.networks_time)},
          {"ops_not_measured", summary.ops_inferred},
          {"saved_s", absl::ToDoubleSeconds(summary.saved)}};
}

}  // namespace

absl::StatusOr<CalibrationReport> MakeCalibrationReport(
    const arch::SearchSpace& space, const LatencyTable& table) {
  CalibrationReport report{.space = space.spec().name(),
                           .input_size = space.input().size,
                           .width = space.spec().width(),
                           .device = table.device(),
                           .threads = table.threads(),
                           .batch = table.batch()};
  const std::vector<v1::OpKey> ops = arch::DistinctOps(space);
  for (const v1::OpKey& key : ops) {
    ASSIGN_OR_RETURN(const v1::OpLatency* op, table.Get(key));
    if (op->samples() == 0) {
      ++report.ops_inferred;
      continue;
    }
    ++report.ops_measured;
    report.mean_op_error +=
        static_cast<double>(op->error_ns()) / op->median_ns();
  }
  report.mean_op_error /= std::max(1, report.ops_measured);
  ASSIGN_OR_RETURN(const std::vector<SpaceNetwork> fitted,
                   MeasuredNetworks(space, table, /*held_out=*/false));
  report.networks = static_cast<int>(fitted.size());
  ASSIGN_OR_RETURN(const Predictor predictor, Predictor::Create(table));
  report.left_out_mape = predictor.left_out_mape();
  ASSIGN_OR_RETURN(const std::vector<SpaceNetwork> held_out,
                   MeasuredNetworks(space, table, /*held_out=*/true));
  std::vector<JudgedNetwork> judged;
  for (const SpaceNetwork& network : held_out) {
    JudgedNetwork each;
    ASSIGN_OR_RETURN(each.predicted, predictor.Predict(network.graph));
    each.measured_ns = static_cast<double>(
        table.FindNetwork(network.arch_sha256)->median_ns());
    judged.push_back(each);
    report.worst_first.push_back({.judged = each,
                                  .arch_sha256 = network.arch_sha256,
                                  .choice = network.choice});
  }
  if (judged.empty()) return report;
  ASSIGN_OR_RETURN(report.held_out, Judge(judged));
  std::stable_sort(report.worst_first.begin(), report.worst_first.end(),
                   [](const ReportedNetwork& a, const ReportedNetwork& b) {
                     return std::abs(a.judged.relative_error()) >
                            std::abs(b.judged.relative_error());
                   });
  return report;
}

std::string ReportJson(const CalibrationReport& report,
                       const arch::SearchSpace& space,
                       const std::optional<ProfileSummary>& summary) {
  ordered_json json;
  json["space"] = {{"name", report.space},
                   {"width", report.width},
                   {"input_size", report.input_size},
                   {"classes", space.num_classes()}};
  json["device"] = {{"id", report.device.id()},
                    {"fingerprint", report.device.fingerprint()},
                    {"model", report.device.model()},
                    {"isa", report.device.isa()},
                    {"runtime", report.device.runtime()}};
  json["threads"] = report.threads;
  json["batch"] = report.batch;
  json["ops_measured"] = report.ops_measured;
  json["ops_inferred"] = report.ops_inferred;
  json["mean_op_error"] = report.mean_op_error;
  json["networks_fitted"] = report.networks;
  json["left_out_mape"] = report.left_out_mape
                              ? ordered_json(*report.left_out_mape)
                              : ordered_json(nullptr);
  json["held_out"] =
      report.held_out ? QualityJson(*report.held_out) : ordered_json(nullptr);
  json["worst"] = ordered_json::array();
  for (const ReportedNetwork& network : report.worst_first) {
    if (json["worst"].size() == kShown) break;
    json["worst"].push_back(NetworkJson(network, space));
  }
  if (summary) json["this_run"] = SummaryJson(*summary);
  // A device's texts may be any bytes.
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) +
         "\n";
}

std::string ReportText(const CalibrationReport& report,
                       const std::optional<ProfileSummary>& summary) {
  std::string text = absl::StrFormat(
      "%s (%s, %s), %d threads, batch %d\n"
      "space %s, width %g, %d x %d pixels\n"
      "%d ops measured (mean error %.1f %%), %d inferred; fitted on %d "
      "networks",
      report.device.id(), report.device.model(), report.device.runtime(),
      report.threads, report.batch, report.space, report.width,
      report.input_size, report.input_size, report.ops_measured,
      100 * report.mean_op_error, report.ops_inferred, report.networks);
  if (report.left_out_mape) {
    absl::StrAppendFormat(&text, ", each from the others off by %.1f %%",
                          100 * *report.left_out_mape);
  }
  absl::StrAppend(&text, "\n");
  if (const auto& quality = report.held_out) {
    absl::StrAppendFormat(
        &text,
        "%d networks held out: mean error %.2f %%, within 5 %%: %.1f %%, "
        "within 10 %%: %.1f %%, Kendall tau %.3f, in the 95 %% interval: %.1f "
        "%%, worst %+.1f %%\n",
        quality->networks, 100 * quality->mape, 100 * quality->within_5,
        100 * quality->within_10, quality->kendall_tau, 100 * quality->coverage,
        100 * quality->worst);
  }
  if (summary) {
    absl::StrAppendFormat(
        &text, "this run: %d ops in %s, %d networks in %s",
        summary->ops_measured,
        absl::FormatDuration(absl::Trunc(summary->ops_time, absl::Seconds(1))),
        summary->networks_measured,
        absl::FormatDuration(
            absl::Trunc(summary->networks_time, absl::Seconds(1))));
    if (summary->ops_inferred > 0) {
      absl::StrAppendFormat(
          &text, "; %d of %d ops not measured, about %s saved",
          summary->ops_inferred, summary->ops,
          absl::FormatDuration(absl::Trunc(summary->saved, absl::Seconds(1))));
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

}  // namespace frostnas::latency
