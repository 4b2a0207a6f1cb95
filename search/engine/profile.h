// The profile phase: a complete, calibrated latency table for each device of a
// study.
//
// A measured device is described by the worker that has it; what the store
// knows of that device, runtime and thread count is used; operators and whole
// networks of the space (with random weights) that are missing are measured. A
// `table:` device answers from its file.
#ifndef FROSTNAS_SEARCH_ENGINE_PROFILE_H_
#define FROSTNAS_SEARCH_ENGINE_PROFILE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "latency/latency_table.h"
#include "proto/frostnas/v1/study.pb.h"
#include "proto/frostnas/v1/task.pb.h"
#include "search/engine/study_run.h"

namespace frostnas::search {

// Latency is measured for one image on one thread.
inline constexpr int kLatencyThreads = 1;
inline constexpr int kLatencyBatch = 1;

// How long the study's workers look when they measure.
v1::MeasureEffort EffortOf(const v1::Budget& budget);

// One table a device of the spec, in order. NOT_FOUND: a table file, or an op
// that it lacks. UNAVAILABLE: a device failed, naming it.
absl::StatusOr<std::vector<latency::LatencyTable>> PrepareTables(StudyRun& run);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_ENGINE_PROFILE_H_
