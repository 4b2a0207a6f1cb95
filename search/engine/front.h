// The fronts of a study, selected from measured values, one a device.
#ifndef FROSTNAS_SEARCH_ENGINE_FRONT_H_
#define FROSTNAS_SEARCH_ENGINE_FRONT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "db/records.h"
#include "search/engine/study_run.h"
#include "search/pareto.h"

namespace frostnas::search {

// The trials that are measured on the device and meet every latency limit of
// the spec, as they stand. FAILED_PRECONDITION: there is none; says the
// smallest measured latency.
absl::StatusOr<std::vector<ObjectivePoint>> MeasuredPoints(
    StudyRun& run, const std::string& device_id);

// Marks the trials on the front of some device, stores the hypervolume of the
// first device's and, in the same commit, `update`. Codes as MeasuredPoints.
absl::Status SelectFront(StudyRun& run, const db::StudyUpdate& update);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_ENGINE_FRONT_H_
