#include "search/report/html.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_replace.h"
#include "base/check.h"
#include "base/embedded_file.h"
#include "base/status_macros.h"
#include "search/report/page_parts.h"
#include "search/report/pareto_json.h"

namespace frostnas::search {
namespace {

using nlohmann::ordered_json;

ordered_json EpochJson(const v1::SearchEpoch& epoch) {
  return {{"epoch", epoch.epoch()},
          {"phase", epoch.phase()},
          {"train_loss", epoch.train_loss()},
          {"arch_loss", epoch.arch_loss()},
          {"val_top1", epoch.val_top1()},
          {"expected_latency_ms", epoch.expected_latency_ns() * 1e-6},
          {"latency_multiplier", epoch.latency_multiplier()},
          {"entropy", epoch.entropy()},
          {"skip_share", epoch.skip_share()},
          {"seconds", epoch.seconds()}};
}

// Inside a script element "</" would end it, whatever the JSON means.
std::string ForScript(const ordered_json& json) {
  return absl::StrReplaceAll(JsonText(json, -1),
                             {{"<", "\\u003c"}, {"&", "\\u0026"}});
}

// A part of the page by its file's name; this build has it.
absl::string_view PagePart(absl::string_view name) {
  const auto parts = PageParts();
  const auto found = std::find_if(
      parts.begin(), parts.end(),
      [name](const EmbeddedFile& part) { return part.name == name; });
  CHECK(found != parts.end());
  return found->text;
}

}  // namespace

absl::StatusOr<std::string> ReportHtml(const StudyReport& report) {
  ASSIGN_OR_RETURN(ordered_json data, ParetoJson(report));
  data["display_name"] = report.study.spec().display_name();
  data["strategy"] = v1::Strategy_Name(report.study.spec().strategy());
  data["epochs"] = ordered_json::array();
  for (const v1::SearchEpoch& epoch : report.epochs) {
    data["epochs"].push_back(EpochJson(epoch));
  }
  return absl::StrReplaceAll(
      PagePart("template"),
      {{"@CHART_JS@", PagePart("chart")}, {"@DATA@", ForScript(data)}});
}

}  // namespace frostnas::search
