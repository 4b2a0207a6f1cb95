#include "db/memory_store.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/synchronization/mutex.h"
#include "base/status_macros.h"
#include "db/memory_state.h"
#include "db/memory_steps.h"
#include "db/rules.h"

namespace frostnas::db {
namespace {

constexpr int kMaxEvents = 10000;

// Each write works on a copy of the state, which takes its place when it
// succeeds.
class MemoryStore final : public Store {
 public:
  explicit MemoryStore(const Clock* clock) : clock_(*clock) {}

  absl::StatusOr<v1::Study> CreateStudy(absl::string_view request_id,
                                        const v1::StudySpec& spec) override {
    return Write(
        [&](MemoryState& state) { return AddStudy(state, request_id, spec); });
  }

  absl::StatusOr<v1::Study> GetStudy(absl::string_view study_id) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const MemoryStudy* study, state_.FindStudy(study_id));
    return study->study;
  }

  absl::StatusOr<Page<v1::Study>> ListStudies(
      const PageRequest& page) override {
    absl::MutexLock lock(&mutex_);
    const auto all = static_cast<int64_t>(state_.studies.size());
    ASSIGN_OR_RETURN(int64_t before, ReadPage("studies", page, all + 1));
    Page<v1::Study> studies;
    for (before = std::min(before, all + 1);
         before > 1 && studies.items.size() < static_cast<size_t>(page.size);
         --before) {
      studies.items.push_back(state_.studies[before - 2].study);
    }
    if (before > 1) studies.next_token = PageToken("studies", before);
    return studies;
  }

  absl::StatusOr<StepResult> CommitStep(absl::string_view study_id,
                                        const StudyStep& step) override {
    return Write(
        [&](MemoryState& state) { return ApplyStep(state, study_id, step); });
  }

  absl::StatusOr<v1::Study> RequestCancel(absl::string_view study_id) override {
    return Write(
        [&](MemoryState& state) { return CancelStudy(state, study_id); });
  }

  absl::StatusOr<bool> IsCancelRequested(absl::string_view study_id) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const MemoryStudy* study, state_.FindStudy(study_id));
    return study->cancel_requested;
  }

  absl::StatusOr<v1::Trial> GetTrial(absl::string_view study_id,
                                     int trial_id) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(MemoryStudy* const study, state_.FindStudy(study_id));
    ASSIGN_OR_RETURN(const v1::Trial* trial, FindTrial(study, trial_id));
    return *trial;
  }

  absl::StatusOr<Page<v1::Trial>> ListTrials(absl::string_view study_id,
                                             const PageRequest& page) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const MemoryStudy* study, state_.FindStudy(study_id));
    ASSIGN_OR_RETURN(const int64_t after, ReadPage("trials", page, 0));
    Page<v1::Trial> trials;
    for (const v1::Trial& trial : study->trials) {
      if (trial.id() <= after) continue;
      if (trials.items.size() == static_cast<size_t>(page.size)) {
        trials.next_token = PageToken("trials", trials.items.back().id());
        break;
      }
      trials.items.push_back(trial);
    }
    return trials;
  }

  absl::StatusOr<std::vector<v1::Trial>> ListFront(
      absl::string_view study_id) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const MemoryStudy* study, state_.FindStudy(study_id));
    std::vector<v1::Trial> front;
    absl::c_copy_if(study->trials, std::back_inserter(front),
                    [](const v1::Trial& trial) { return trial.on_front(); });
    return front;
  }

  absl::StatusOr<std::vector<Objective>> ListObjectives(
      absl::string_view study_id, absl::string_view device_id) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const MemoryStudy* study, state_.FindStudy(study_id));
    std::vector<Objective> objectives;
    for (const v1::Trial& trial : study->trials) {
      if (trial.state() != v1::TRIAL_STATE_MEASURED) continue;
      for (const v1::Measurement& latency : trial.latency()) {
        if (latency.device_id() != device_id) continue;
        objectives.push_back(
            {trial.id(), trial.int8_top1(), latency.median_ns()});
      }
    }
    return objectives;
  }

  absl::StatusOr<TaskRecord> GetTask(absl::string_view task_id) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const MemoryTask* task, state_.FindTask(task_id));
    return task->record;
  }

  absl::StatusOr<std::vector<TaskRecord>> ListTasks(
      absl::string_view study_id) override {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(state_.FindStudy(study_id).status());
    std::vector<TaskRecord> tasks;
    for (const MemoryTask& task : state_.tasks) {
      if (task.record.task.study_id() == study_id) tasks.push_back(task.record);
    }
    return tasks;
  }

  absl::StatusOr<TaskCounts> CountTasks(absl::string_view study_id) override {
    ASSIGN_OR_RETURN(const auto tasks, ListTasks(study_id));
    TaskCounts counts;
    for (const TaskRecord& task : tasks) counts.Add(task.state, 1);
    return counts;
  }

  absl::StatusOr<std::vector<AttemptRecord>> ListAttempts(
      absl::string_view task_id) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const MemoryTask* task, state_.FindTask(task_id));
    std::vector<AttemptRecord> attempts;
    for (const MemoryAttempt& attempt : task->attempts) {
      attempts.push_back(attempt.record);
    }
    return attempts;
  }

  absl::StatusOr<std::optional<v1::Lease>> LeaseTask(
      absl::string_view session, absl::Duration duration) override {
    return Write(
        [&](MemoryState& state) { return state.Lease(session, duration); });
  }

  absl::Status RenewLease(const LeaseRef& lease, absl::Duration duration,
                          double progress) override {
    return Write([&](MemoryState& state) {
      return state.Renew(lease, duration, progress);
    });
  }

  absl::StatusOr<CompletionResult> CompleteTask(
      const Completion& completion) override {
    ASSIGN_OR_RETURN(const auto result, Write([&](MemoryState& state) {
                       return state.Complete(completion);
                     }));
    if (!result.has_value()) return LeaseOver(completion.lease.task_id);
    return *result;
  }

  absl::StatusOr<std::vector<v1::Attempt>> ExpireLeases() override {
    return Write(
        [](MemoryState& state) -> absl::StatusOr<std::vector<v1::Attempt>> {
          return state.Expire();
        });
  }

  absl::Status RegisterWorker(const v1::RegisterRequest& worker,
                              absl::string_view session) override {
    return Write(
        [&](MemoryState& state) { return state.Register(worker, session); });
  }

  absl::StatusOr<v1::RegisterRequest> GetWorker(
      absl::string_view session) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const MemoryWorker* worker, state_.FindSession(session));
    return worker->registration;
  }

  absl::StatusOr<std::vector<v1::WorkerStatus>> ListWorkers(
      absl::Time since) override {
    absl::MutexLock lock(&mutex_);
    std::vector<v1::WorkerStatus> workers;
    for (const auto& [id, worker] : state_.workers) {
      if (worker.last_heard_ns < absl::ToUnixNanos(since)) continue;
      workers.push_back(StatusOf(state_, worker));
    }
    return workers;
  }

  absl::StatusOr<std::vector<v1::StudyEvent>> ListEvents(
      absl::string_view study_id, uint64_t after_sequence, int limit) override {
    if (limit < 1 || limit > kMaxEvents) {
      return absl::InvalidArgumentError("limit: must be 1..10000");
    }
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const MemoryStudy* study, state_.FindStudy(study_id));
    std::vector<v1::StudyEvent> events;
    for (uint64_t i = after_sequence;
         i < study->events.size() && events.size() < static_cast<size_t>(limit);
         ++i) {
      events.push_back(study->events[i]);
    }
    return events;
  }

  absl::StatusOr<std::optional<Checkpoint>> GetCheckpoint(
      absl::string_view study_id) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(const MemoryStudy* study, state_.FindStudy(study_id));
    return study->checkpoint;
  }

  absl::Status MergeLatencyTable(const v1::LatencyTable& table) override {
    return Write([&](MemoryState& state) { return state.MergeTable(table); });
  }

  absl::StatusOr<v1::LatencyTable> GetLatencyTable(
      const TableKey& key) override {
    absl::MutexLock lock(&mutex_);
    const auto found = state_.tables.find(
        {key.device_fingerprint, key.runtime, key.threads, key.batch});
    if (found == state_.tables.end()) return NoSuchTable(key);
    v1::LatencyTable table = found->second.header;
    for (const auto& [digest, op] : found->second.ops) *table.add_ops() = op;
    return table;
  }

  absl::StatusOr<std::vector<v1::Measurement>> ListMeasurements(
      absl::string_view study_id, int trial_id) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(MemoryStudy* const study, state_.FindStudy(study_id));
    RETURN_IF_ERROR(FindTrial(study, trial_id).status());
    return study->measurements[trial_id];
  }

  absl::StatusOr<std::vector<std::string>> ListReferencedBlobs() override {
    absl::MutexLock lock(&mutex_);
    return BlobsNamedIn(state_);
  }

 private:
  // What `body` gives, after its changes took effect.
  template <typename Body>
  auto Write(Body body) -> decltype(body(std::declval<MemoryState&>())) {
    absl::MutexLock lock(&mutex_);
    MemoryState next = state_;
    next.now_ns = absl::ToUnixNanos(clock_.Now());
    next.tasks_changed = false;
    next.events_changed = false;
    auto result = body(next);
    if (!result.ok()) return result;
    state_ = std::move(next);
    if (state_.tasks_changed) tasks_changed().Notify();
    if (state_.events_changed) events_changed().Notify();
    return result;
  }

  const Clock& clock_;
  absl::Mutex mutex_;
  MemoryState state_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<Store> NewMemoryStore(const Clock* clock) {
  return std::make_unique<MemoryStore>(clock);
}

}  // namespace frostnas::db
