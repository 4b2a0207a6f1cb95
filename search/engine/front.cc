#include "search/engine/front.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "search/trial_latency.h"

namespace frostnas::search {
namespace {

bool Meets(const v1::LatencyLimit& limit, const v1::Trial& trial) {
  const v1::Measurement* latency = LatencyOn(trial, limit.device_id());
  return latency != nullptr && latency->median_ns() <= limit.limit_ns();
}

// Whether the trial's measurements meet every limit of the spec.
bool MeetsLimits(const v1::StudySpec& spec, const v1::Trial& trial) {
  return absl::c_all_of(
      spec.latency_limits(),
      [&trial](const v1::LatencyLimit& limit) { return Meets(limit, trial); });
}

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

ObjectivePoint PointOf(const db::Objective& objective) {
  return {.id = objective.trial_id,
          .accuracy = objective.int8_top1,
          .latency_ns = objective.latency_ns};
}

}  // namespace

absl::StatusOr<std::vector<ObjectivePoint>> MeasuredPoints(StudyRun& run) {
  ASSIGN_OR_RETURN(const std::vector<db::Objective> objectives,
                   run.store.ListObjectives(run.study_id, run.spec.devices(0)));
  std::vector<v1::Trial> measured;
  std::vector<ObjectivePoint> admitted;
  for (const db::Objective& objective : objectives) {
    ASSIGN_OR_RETURN(v1::Trial trial,
                     run.store.GetTrial(run.study_id, objective.trial_id));
    if (MeetsLimits(run.spec, trial)) admitted.push_back(PointOf(objective));
    measured.push_back(std::move(trial));
  }
  if (admitted.empty()) return NothingMeetsTheLimits(run.spec, measured);
  return admitted;
}

absl::Status SelectFront(StudyRun& run, const db::StudyUpdate& update) {
  ASSIGN_OR_RETURN(const std::vector<ObjectivePoint> admitted,
                   MeasuredPoints(run));
  db::StudyStep step{.update = update};
  step.front.emplace();
  for (const ObjectivePoint& point : ParetoFront(admitted)) {
    step.front->push_back(point.id);
  }
  step.update.hypervolume = Hypervolume(admitted, DefaultReference(admitted));
  return run.store.CommitStep(run.study_id, step).status();
}

}  // namespace frostnas::search
