// The files of a finished study in its --out folder: models/ID.fnpkg and
// models/ID.onnx for the trials on the front, report.html, and pareto.json,
// written last so that a pareto.json never names a file that is not there.
#ifndef FROSTNAS_SEARCH_REPORT_OUTPUTS_H_
#define FROSTNAS_SEARCH_REPORT_OUTPUTS_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "db/blob_store.h"
#include "deploy/export_check.h"
#include "proto/frostnas/v1/package.pb.h"
#include "search/report/study_report.h"

namespace frostnas::search {

// Runs a package's ONNX file in an independent reader.
using OnnxChecker = std::function<absl::StatusOr<deploy::ExportCheck>(
    const v1::Package& package, const std::string& model)>;

// Creates `dir` where it is missing; replaces the outputs of an earlier study
// there, models included. A package that cannot be exported has no ONNX file,
// and a check that fails is told in its place: both are logged and leave the
// other outputs as they are. An empty `check` is none. CANCELLED: the check
// was. FAILED_PRECONDITION: the study has no front. Other
// codes: base/file.h and db/blob_store.h, naming the file.
absl::Status WriteOutputs(StudyReport report, db::BlobStore& blobs,
                          const OnnxChecker& check, const std::string& dir);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_REPORT_OUTPUTS_H_
