// report.html: one self-contained page about a study. It opens without a
// server or a network: data, script and chart library are inside.
#ifndef FROSTNAS_SEARCH_REPORT_HTML_H_
#define FROSTNAS_SEARCH_REPORT_HTML_H_

#include <string>

#include "absl/status/statusor.h"
#include "search/report/study_report.h"

namespace frostnas::search {

// Codes as ParetoJson.
absl::StatusOr<std::string> ReportHtml(const StudyReport& report);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_REPORT_HTML_H_
