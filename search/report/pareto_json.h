// pareto.json: a study's trials and front for programs.
//
// Fractions are 0..1, times in ms (phase times in s), sizes in bytes; what is
// not known is null. Field names are part of the product's contract.
#ifndef FROSTNAS_SEARCH_REPORT_PARETO_JSON_H_
#define FROSTNAS_SEARCH_REPORT_PARETO_JSON_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "search/report/study_report.h"

namespace frostnas::search {

// INTERNAL: an architecture that cannot be printed as JSON.
absl::StatusOr<nlohmann::ordered_json> ParetoJson(const StudyReport& report);

// `indent` < 0: one line. Bytes that are not UTF-8 (a path may have some) are
// replaced.
std::string JsonText(const nlohmann::ordered_json& json, int indent);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_REPORT_PARETO_JSON_H_
