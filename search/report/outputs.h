// The files of a finished study in its --out folder: models/ID.fnpkg for the
// trials on the front, report.html, and pareto.json, written last so that a
// pareto.json never names a file that is not there.
#ifndef FROSTNAS_SEARCH_REPORT_OUTPUTS_H_
#define FROSTNAS_SEARCH_REPORT_OUTPUTS_H_

#include <string>

#include "absl/status/status.h"
#include "db/blob_store.h"
#include "search/report/study_report.h"

namespace frostnas::search {

// Creates `dir` where it is missing; replaces the outputs of an earlier study
// there, packages included. FAILED_PRECONDITION: the study has no front. Other
// codes: base/file.h and db/blob_store.h, naming the file.
absl::Status WriteOutputs(const StudyReport& report, db::BlobStore& blobs,
                          const std::string& dir);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_REPORT_OUTPUTS_H_
