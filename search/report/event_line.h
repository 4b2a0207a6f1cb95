// A study's event as one line for a terminal or a log.
#ifndef FROSTNAS_SEARCH_REPORT_EVENT_LINE_H_
#define FROSTNAS_SEARCH_REPORT_EVENT_LINE_H_

#include <string>

#include "proto/frostnas/v1/study_service.pb.h"

namespace frostnas::search {

// Without a newline.
std::string EventLine(const v1::StudyEvent& event);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_REPORT_EVENT_LINE_H_
