#include "search/report/study_report.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/algorithm/container.h"
#include "base/status_macros.h"
#include "search/device_front.h"
#include "search/pareto.h"
#include "search/trial_latency.h"

namespace frostnas::search {
namespace {

constexpr int kPageSize = 1000;
constexpr int kEventPage = 1000;

absl::StatusOr<std::vector<v1::Trial>> AllTrials(db::Store& store,
                                                 absl::string_view study_id) {
  std::vector<v1::Trial> trials;
  db::PageRequest request{.size = kPageSize};
  do {
    ASSIGN_OR_RETURN(db::Page<v1::Trial> page,
                     store.ListTrials(study_id, request));
    std::move(page.items.begin(), page.items.end(), std::back_inserter(trials));
    request.token = page.next_token;
  } while (!request.token.empty());
  return trials;
}

absl::StatusOr<std::vector<v1::StudyEvent>> AllEvents(
    db::Store& store, absl::string_view study_id) {
  std::vector<v1::StudyEvent> events;
  while (true) {
    const uint64_t after = events.empty() ? 0 : events.back().sequence();
    ASSIGN_OR_RETURN(std::vector<v1::StudyEvent> page,
                     store.ListEvents(study_id, after, kEventPage));
    if (page.empty()) return events;
    std::move(page.begin(), page.end(), std::back_inserter(events));
  }
}

// A phase lasts from the first event that names it to the first that names
// another; a resumed study passes through its first phases again, which adds to
// them. Time between runs counts for the phase the study was in.
std::vector<PhaseTime> PhaseTimes(const std::vector<v1::StudyEvent>& events) {
  std::vector<PhaseTime> times;
  size_t now_in = 0;
  int64_t since_ns = 0;
  for (const v1::StudyEvent& event : events) {
    const std::string& phase = event.study().phase();
    if (!event.has_study() || phase.empty()) continue;
    if (!times.empty()) {
      times[now_in].seconds += (event.at_ns() - since_ns) * 1e-9;
    }
    const auto at = absl::c_find_if(
        times, [&phase](const PhaseTime& time) { return time.phase == phase; });
    now_in = at - times.begin();
    if (at == times.end()) times.push_back({phase, 0});
    since_ns = event.at_ns();
  }
  return times;
}

std::vector<v1::SearchEpoch> Epochs(const std::vector<v1::StudyEvent>& events) {
  std::vector<v1::SearchEpoch> epochs;
  for (const v1::StudyEvent& event : events) {
    if (event.has_epoch()) epochs.push_back(event.epoch());
  }
  return epochs;
}

// What is known of a device that was looked up only.
v1::Device LookedUp(const std::string& id,
                    const std::vector<v1::Trial>& trials) {
  v1::Device device;
  device.set_id(id);
  for (const v1::Trial& trial : trials) {
    const v1::Measurement* latency = LatencyOn(trial, id);
    if (latency == nullptr) continue;
    device.set_fingerprint(latency->device_fingerprint());
    break;
  }
  return device;
}

// The devices of done tasks: what really measured, by the workers' own word.
absl::StatusOr<std::vector<v1::Device>> Devices(
    db::Store& store, const v1::Study& study,
    const std::vector<v1::Trial>& trials) {
  ASSIGN_OR_RETURN(const std::vector<db::TaskRecord> tasks,
                   store.ListTasks(study.id()));
  std::vector<v1::Device> devices;
  for (const std::string& id : study.spec().devices()) {
    v1::Device device = LookedUp(id, trials);
    for (const db::TaskRecord& task : tasks) {
      if (!task.result.has_value()) continue;
      const v1::Device& of_result = task.result->has_latency()
                                        ? task.result->latency().device()
                                        : task.result->profile_ops().device();
      if (of_result.id() == id) device = of_result;
    }
    devices.push_back(std::move(device));
  }
  return devices;
}

}  // namespace

absl::StatusOr<StudyReport> LoadStudyReport(db::Store& store,
                                            absl::string_view study_id) {
  StudyReport report;
  ASSIGN_OR_RETURN(report.study, store.GetStudy(study_id));
  ASSIGN_OR_RETURN(report.trials, AllTrials(store, study_id));
  ASSIGN_OR_RETURN(const std::vector<v1::StudyEvent> events,
                   AllEvents(store, study_id));
  report.epochs = Epochs(events);
  report.timings = PhaseTimes(events);
  ASSIGN_OR_RETURN(report.devices, Devices(store, report.study, report.trials));
  return report;
}

std::vector<int> FrontOn(const StudyReport& report,
                         absl::string_view device_id) {
  std::vector<int> ids;
  const std::vector<ObjectivePoint> points =
      AdmittedPoints(report.study.spec(), report.trials, device_id);
  for (const ObjectivePoint& point : ParetoFront(points)) {
    ids.push_back(point.id);
  }
  return ids;
}

std::vector<const v1::Trial*> FrontByLatency(const StudyReport& report) {
  std::vector<const v1::Trial*> front;
  if (report.study.spec().devices().empty()) return front;
  for (const v1::Trial& trial : report.trials) {
    if (trial.on_front()) front.push_back(&trial);
  }
  const auto latency_ns = [&](const v1::Trial* trial) {
    const v1::Measurement* latency =
        LatencyOn(*trial, report.study.spec().devices(0));
    return latency == nullptr ? std::numeric_limits<int64_t>::max()
                              : latency->median_ns();
  };
  std::stable_sort(front.begin(), front.end(),
                   [&](const v1::Trial* a, const v1::Trial* b) {
                     return latency_ns(a) < latency_ns(b);
                   });
  return front;
}

}  // namespace frostnas::search
