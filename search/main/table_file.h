// --latency_table: a saved table that a study uses and extends.
#ifndef FROSTNAS_SEARCH_MAIN_TABLE_FILE_H_
#define FROSTNAS_SEARCH_MAIN_TABLE_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "db/store.h"
#include "search/report/study_report.h"

namespace frostnas::search {

// Puts the file's operators into the store. Does nothing for an empty path or
// a file that does not exist yet. Codes as latency::LatencyTable::Load.
absl::Status ImportTable(const std::string& path, db::Store& store);

// Writes what the store knows of the study's first measured device. Does
// nothing for an empty path or a study without one.
absl::Status ExportTable(const std::string& path, db::Store& store,
                         const StudyReport& report);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_MAIN_TABLE_FILE_H_
