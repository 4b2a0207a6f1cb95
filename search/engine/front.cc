#include "search/engine/front.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "search/device_front.h"
#include "search/trial_latency.h"

namespace frostnas::search {
namespace {

// Names the first limit that none of the trials meets, or all limits when it
// is only together that they cannot be met.
absl::Status NothingMeetsTheLimits(const v1::StudySpec& spec,
                                   absl::Span<const v1::Trial> trials) {
  constexpr char kRemedy[] = "ask for a higher limit or a smaller --width";
  for (const v1::LatencyLimit& limit : spec.latency_limits()) {
    int64_t smallest = std::numeric_limits<int64_t>::max();
    for (const v1::Trial& trial : trials) {
      const v1::Measurement* latency = LatencyOn(trial, limit.device_id());
      if (latency != nullptr)
        smallest = std::min(smallest, latency->median_ns());
    }
    if (smallest <= limit.limit_ns()) continue;
    return absl::FailedPreconditionError(absl::StrFormat(
        "--latency_limit_ms: no measured network meets %.3f ms on %s, the "
        "fastest takes %.3f ms; %s",
        limit.limit_ns() * 1e-6, limit.device_id(), smallest * 1e-6, kRemedy));
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "--latency_limit_ms: no measured network meets all limits at once; ",
      kRemedy));
}

absl::StatusOr<std::vector<v1::Trial>> MeasuredTrials(
    StudyRun& run, const std::string& device_id) {
  ASSIGN_OR_RETURN(const std::vector<db::Objective> objectives,
                   run.store.ListObjectives(run.study_id, device_id));
  std::vector<v1::Trial> trials;
  for (const db::Objective& objective : objectives) {
    ASSIGN_OR_RETURN(trials.emplace_back(),
                     run.store.GetTrial(run.study_id, objective.trial_id));
  }
  return trials;
}

}  // namespace

absl::StatusOr<std::vector<ObjectivePoint>> MeasuredPoints(
    StudyRun& run, const std::string& device_id) {
  ASSIGN_OR_RETURN(const std::vector<v1::Trial> trials,
                   MeasuredTrials(run, device_id));
  std::vector<ObjectivePoint> points =
      AdmittedPoints(run.spec, trials, device_id);
  if (points.empty()) return NothingMeetsTheLimits(run.spec, trials);
  return points;
}

absl::Status SelectFront(StudyRun& run, const db::StudyUpdate& update) {
  db::StudyStep step{.update = update};
  std::set<int> front;
  for (const std::string& device : run.spec.devices()) {
    ASSIGN_OR_RETURN(const std::vector<ObjectivePoint> admitted,
                     MeasuredPoints(run, device));
    for (const ObjectivePoint& point : ParetoFront(admitted)) {
      front.insert(point.id);
    }
    if (device != run.spec.devices(0)) continue;
    step.update.hypervolume = Hypervolume(admitted, DefaultReference(admitted));
  }
  step.front.emplace(front.begin(), front.end());
  return run.store.CommitStep(run.study_id, step).status();
}

}  // namespace frostnas::search
