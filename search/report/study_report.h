// Start here for outputs: everything a study's results are written from.
//
// LoadStudyReport reads it from the store; pareto_json.h, html.h and
// terminal_table.h turn it into files and text.
#ifndef FROSTNAS_SEARCH_REPORT_STUDY_REPORT_H_
#define FROSTNAS_SEARCH_REPORT_STUDY_REPORT_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "db/store.h"
#include "deploy/export_check.h"
#include "proto/frostnas/v1/measurement.pb.h"
#include "proto/frostnas/v1/study.pb.h"
#include "proto/frostnas/v1/study_service.pb.h"

namespace frostnas::search {

// How long one phase of a study took.
struct PhaseTime {
  std::string phase;
  double seconds = 0;
};

// A trial's ONNX file and what an independent reader makes of it.
struct OnnxExport {
  // Not set: nothing re-executed it.
  std::optional<deploy::ExportCheck> check;
  // Why the check gave no result; empty: it did, or there was none.
  std::string check_error;
};

struct StudyReport {
  v1::Study study;
  // By id.
  std::vector<v1::Trial> trials;
  // What the study's measurements were made on, one a device id.
  std::vector<v1::Device> devices;
  // The supernet's epochs in order.
  std::vector<v1::SearchEpoch> epochs;
  // In the order of the phases, from the study's events.
  std::vector<PhaseTime> timings;
  // By trial id; of the files that WriteOutputs writes, and empty before.
  std::map<int, OnnxExport> onnx;
};

// NOT_FOUND: no such study.
absl::StatusOr<StudyReport> LoadStudyReport(db::Store& store,
                                            absl::string_view study_id);

// Ids of the trials on the device's front by rising latency there.
std::vector<int> FrontOn(const StudyReport& report,
                         absl::string_view device_id);

// Trials on any device's front by rising latency on the study's first device;
// those without one there come last.
std::vector<const v1::Trial*> FrontByLatency(const StudyReport& report);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_REPORT_STUDY_REPORT_H_
