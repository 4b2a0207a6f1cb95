// A Store that dies: after a given number of writes every call fails, as after
// a SIGKILL of the process at that commit. What lies below stays and can be
// opened again, which is what a restarted process would find.
//
// Thread-safe. The engine and the workers of a test use the same MortalStore.
#ifndef FROSTNAS_SEARCH_TESTING_MORTAL_STORE_H_
#define FROSTNAS_SEARCH_TESTING_MORTAL_STORE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "db/store.h"

namespace frostnas::search {

class MortalStore final : public db::Store {
 public:
  // Lets `writes` writes through; nullopt: never dies. `below` must outlive it.
  MortalStore(db::Store* below, std::optional<int> writes)
      : below_(*below), left_(writes) {}

  bool dead() const;
  // Writes that came through so far.
  int writes() const;

  absl::StatusOr<v1::Study> CreateStudy(absl::string_view request_id,
                                        const v1::StudySpec& spec) override;
  absl::StatusOr<v1::Study> GetStudy(absl::string_view study_id) override;
  absl::StatusOr<db::Page<v1::Study>> ListStudies(
      const db::PageRequest& page) override;
  absl::StatusOr<db::StepResult> CommitStep(absl::string_view study_id,
                                            const db::StudyStep& step) override;
  absl::StatusOr<v1::Study> RequestCancel(absl::string_view study_id) override;
  absl::StatusOr<bool> IsCancelRequested(absl::string_view study_id) override;
  absl::StatusOr<v1::Trial> GetTrial(absl::string_view study_id,
                                     int trial_id) override;
  absl::StatusOr<db::Page<v1::Trial>> ListTrials(
      absl::string_view study_id, const db::PageRequest& page) override;
  absl::StatusOr<std::vector<v1::Trial>> ListFront(
      absl::string_view study_id) override;
  absl::StatusOr<std::vector<db::Objective>> ListObjectives(
      absl::string_view study_id, absl::string_view device_id) override;
  absl::StatusOr<db::TaskRecord> GetTask(absl::string_view task_id) override;
  absl::StatusOr<std::vector<db::TaskRecord>> ListTasks(
      absl::string_view study_id) override;
  absl::StatusOr<db::TaskCounts> CountTasks(
      absl::string_view study_id) override;
  absl::StatusOr<std::vector<db::AttemptRecord>> ListAttempts(
      absl::string_view task_id) override;
  absl::StatusOr<std::optional<v1::Lease>> LeaseTask(
      absl::string_view session, absl::Duration duration) override;
  absl::Status RenewLease(const db::LeaseRef& lease, absl::Duration duration,
                          double progress) override;
  absl::StatusOr<db::CompletionResult> CompleteTask(
      const db::Completion& completion) override;
  absl::StatusOr<std::vector<v1::Attempt>> ExpireLeases() override;
  absl::Status RegisterWorker(const v1::RegisterRequest& worker,
                              absl::string_view session) override;
  absl::StatusOr<v1::RegisterRequest> GetWorker(
      absl::string_view session) override;
  absl::StatusOr<std::vector<v1::WorkerStatus>> ListWorkers(
      absl::Time since) override;
  absl::StatusOr<std::vector<v1::StudyEvent>> ListEvents(
      absl::string_view study_id, uint64_t after_sequence, int limit) override;
  absl::StatusOr<std::optional<db::Checkpoint>> GetCheckpoint(
      absl::string_view study_id) override;
  absl::Status MergeLatencyTable(const v1::LatencyTable& table) override;
  absl::StatusOr<v1::LatencyTable> GetLatencyTable(
      const db::TableKey& key) override;
  absl::StatusOr<std::vector<v1::Measurement>> ListMeasurements(
      absl::string_view study_id, int trial_id) override;
  absl::StatusOr<std::vector<std::string>> ListReferencedBlobs() override;

 private:
  // What `call` gives while the store lives.
  template <typename Call>
  auto Read(Call call) -> decltype(call());
  // The same, and counts a write that came through; then wakes every waiter.
  template <typename Call>
  auto Write(Call call) -> decltype(call());

  db::Store& below_;
  mutable absl::Mutex mutex_;
  std::optional<int> left_ ABSL_GUARDED_BY(mutex_);
  int writes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_TESTING_MORTAL_STORE_H_
