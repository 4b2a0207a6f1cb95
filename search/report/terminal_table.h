// A study's front as text for a terminal.
#ifndef FROSTNAS_SEARCH_REPORT_TERMINAL_TABLE_H_
#define FROSTNAS_SEARCH_REPORT_TERMINAL_TABLE_H_

#include <string>

#include "search/report/study_report.h"

namespace frostnas::search {

// One row a trial of the front by rising latency, with a header line; ends
// with a newline. Accuracies in percent, latency in ms.
std::string FrontTable(const StudyReport& report);

// The same columns for all trials, by id.
std::string TrialsTable(const StudyReport& report);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_REPORT_TERMINAL_TABLE_H_
