#include "search/testing/mortal_store.h"

#include <type_traits>

namespace frostnas::search {
namespace {

absl::Status Killed() { return absl::UnavailableError("the process is dead"); }

// A lease call that gave no task wrote nothing that matters.
template <typename Result>
bool Wrote(const Result& result) {
  if constexpr (std::is_same_v<Result,
                               absl::StatusOr<std::optional<v1::Lease>>>) {
    return result.ok() && result->has_value();
  } else {
    return result.ok();
  }
}

}  // namespace

bool MortalStore::dead() const {
  absl::MutexLock lock(&mutex_);
  return left_ == 0;
}

int MortalStore::writes() const {
  absl::MutexLock lock(&mutex_);
  return writes_;
}

template <typename Call>
auto MortalStore::Read(Call call) -> decltype(call()) {
  if (dead()) return Killed();
  return call();
}

template <typename Call>
auto MortalStore::Write(Call call) -> decltype(call()) {
  absl::MutexLock lock(&mutex_);
  if (left_ == 0) return Killed();
  auto result = call();
  if (Wrote(result)) {
    ++writes_;
    if (left_.has_value()) --*left_;
    tasks_changed().Notify();
    events_changed().Notify();
  }
  return result;
}

absl::StatusOr<v1::Study> MortalStore::CreateStudy(absl::string_view request_id,
                                                   const v1::StudySpec& spec) {
  return Write([&] { return below_.CreateStudy(request_id, spec); });
}

absl::StatusOr<v1::Study> MortalStore::GetStudy(absl::string_view study_id) {
  return Read([&] { return below_.GetStudy(study_id); });
}

absl::StatusOr<db::Page<v1::Study>> MortalStore::ListStudies(
    const db::PageRequest& page) {
  return Read([&] { return below_.ListStudies(page); });
}

absl::StatusOr<db::StepResult> MortalStore::CommitStep(
    absl::string_view study_id, const db::StudyStep& step) {
  return Write([&] { return below_.CommitStep(study_id, step); });
}

absl::StatusOr<v1::Study> MortalStore::RequestCancel(
    absl::string_view study_id) {
  return Write([&] { return below_.RequestCancel(study_id); });
}

absl::StatusOr<bool> MortalStore::IsCancelRequested(
    absl::string_view study_id) {
  return Read([&] { return below_.IsCancelRequested(study_id); });
}

absl::StatusOr<v1::Trial> MortalStore::GetTrial(absl::string_view study_id,
                                                int trial_id) {
  return Read([&] { return below_.GetTrial(study_id, trial_id); });
}

absl::StatusOr<db::Page<v1::Trial>> MortalStore::ListTrials(
    absl::string_view study_id, const db::PageRequest& page) {
  return Read([&] { return below_.ListTrials(study_id, page); });
}

absl::StatusOr<std::vector<v1::Trial>> MortalStore::ListFront(
    absl::string_view study_id) {
  return Read([&] { return below_.ListFront(study_id); });
}

absl::StatusOr<std::vector<db::Objective>> MortalStore::ListObjectives(
    absl::string_view study_id, absl::string_view device_id) {
  return Read([&] { return below_.ListObjectives(study_id, device_id); });
}

absl::StatusOr<db::TaskRecord> MortalStore::GetTask(absl::string_view task_id) {
  return Read([&] { return below_.GetTask(task_id); });
}

absl::StatusOr<std::vector<db::TaskRecord>> MortalStore::ListTasks(
    absl::string_view study_id) {
  return Read([&] { return below_.ListTasks(study_id); });
}

absl::StatusOr<db::TaskCounts> MortalStore::CountTasks(
    absl::string_view study_id) {
  return Read([&] { return below_.CountTasks(study_id); });
}

absl::StatusOr<std::vector<db::AttemptRecord>> MortalStore::ListAttempts(
    absl::string_view task_id) {
  return Read([&] { return below_.ListAttempts(task_id); });
}

absl::StatusOr<std::optional<v1::Lease>> MortalStore::LeaseTask(
    absl::string_view session, absl::Duration duration) {
  return Write([&] { return below_.LeaseTask(session, duration); });
}

absl::Status MortalStore::RenewLease(const db::LeaseRef& lease,
                                     absl::Duration duration, double progress) {
  return Write([&] { return below_.RenewLease(lease, duration, progress); });
}

absl::StatusOr<db::CompletionResult> MortalStore::CompleteTask(
    const db::Completion& completion) {
  return Write([&] { return below_.CompleteTask(completion); });
}

absl::StatusOr<std::vector<v1::Attempt>> MortalStore::ExpireLeases() {
  return Write([&] { return below_.ExpireLeases(); });
}

absl::Status MortalStore::RegisterWorker(const v1::RegisterRequest& worker,
                                         absl::string_view session) {
  return Write([&] { return below_.RegisterWorker(worker, session); });
}

absl::StatusOr<v1::RegisterRequest> MortalStore::GetWorker(
    absl::string_view session) {
  return Read([&] { return below_.GetWorker(session); });
}

absl::StatusOr<std::vector<v1::WorkerStatus>> MortalStore::ListWorkers(
    absl::Time since) {
  return Read([&] { return below_.ListWorkers(since); });
}

absl::StatusOr<std::vector<v1::StudyEvent>> MortalStore::ListEvents(
    absl::string_view study_id, uint64_t after_sequence, int limit) {
  return Read(
      [&] { return below_.ListEvents(study_id, after_sequence, limit); });
}

absl::StatusOr<std::optional<db::Checkpoint>> MortalStore::GetCheckpoint(
    absl::string_view study_id) {
  return Read([&] { return below_.GetCheckpoint(study_id); });
}

absl::Status MortalStore::MergeLatencyTable(const v1::LatencyTable& table) {
  return Write([&] { return below_.MergeLatencyTable(table); });
}

absl::StatusOr<v1::LatencyTable> MortalStore::GetLatencyTable(
    const db::TableKey& key) {
  return Read([&] { return below_.GetLatencyTable(key); });
}

absl::StatusOr<std::vector<v1::Measurement>> MortalStore::ListMeasurements(
    absl::string_view study_id, int trial_id) {
  return Read([&] { return below_.ListMeasurements(study_id, trial_id); });
}

absl::StatusOr<std::vector<std::string>> MortalStore::ListReferencedBlobs() {
  return Read([&] { return below_.ListReferencedBlobs(); });
}

}  // namespace frostnas::search
