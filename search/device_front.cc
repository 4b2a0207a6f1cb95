#include "search/device_front.h"

#include "absl/algorithm/container.h"
#include "search/trial_latency.h"

namespace frostnas::search {
namespace {

bool Meets(const v1::LatencyLimit& limit, const v1::Trial& trial) {
  const v1::Measurement* latency = LatencyOn(trial, limit.device_id());
  return latency != nullptr && latency->median_ns() <= limit.limit_ns();
}

bool MeetsLimits(const v1::StudySpec& spec, const v1::Trial& trial) {
  return absl::c_all_of(
      spec.latency_limits(),
      [&trial](const v1::LatencyLimit& limit) { return Meets(limit, trial); });
}

}  // namespace

std::vector<ObjectivePoint> AdmittedPoints(const v1::StudySpec& spec,
                                           absl::Span<const v1::Trial> trials,
                                           absl::string_view device_id) {
  std::vector<ObjectivePoint> points;
  for (const v1::Trial& trial : trials) {
    const v1::Measurement* latency = LatencyOn(trial, device_id);
    if (trial.state() != v1::TRIAL_STATE_MEASURED || latency == nullptr ||
        trial.int8_top1() < 0 || !MeetsLimits(spec, trial)) {
      continue;
    }
    points.push_back({.id = trial.id(),
                      .accuracy = trial.int8_top1(),
                      .latency_ns = latency->median_ns()});
  }
  return points;
}

}  // namespace frostnas::search
