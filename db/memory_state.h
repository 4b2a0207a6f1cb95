// What a MemoryStore holds, and the moves of tasks in it. Compare db/tables.
//
// Thread-compatible. Pointers into a State are valid until it changes.
#ifndef FROSTNAS_DB_MEMORY_STATE_H_
#define FROSTNAS_DB_MEMORY_STATE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "db/records.h"
#include "proto/frostnas/v1/task_service.pb.h"

namespace frostnas::db {

struct MemoryAttempt {
  AttemptRecord record;
  std::string session;
  int64_t expires_ns = 0;
  bool open() const {
    return record.attempt.outcome() == v1::ATTEMPT_OUTCOME_UNSPECIFIED;
  }
};

struct MemoryTask {
  TaskRecord record;
  int64_t study = 0;
  int attempts_left = 0;
  std::string failed_worker;
  std::vector<MemoryAttempt> attempts;
};

struct MemoryStudy {
  std::string request_id;
  std::string spec_sha256;
  v1::Study study;
  bool cancel_requested = false;
  std::vector<v1::Trial> trials;                             // by id, from 1
  std::map<int, std::vector<v1::Measurement>> measurements;  // by trial id
  std::vector<v1::StudyEvent> events;
  std::optional<Checkpoint> checkpoint;
};

struct MemoryWorker {
  v1::RegisterRequest registration;
  std::string session;
  int64_t last_heard_ns = 0;
};

struct MemoryTable {
  v1::LatencyTable header;
  std::map<std::string, v1::OpLatency> ops;  // by digest
};

using MemoryTableKey = std::tuple<std::string, std::string, int, int>;

struct MemoryState {
  std::vector<MemoryStudy> studies;  // by seq, from 1
  std::vector<MemoryTask> tasks;     // by seq, from 1
  std::map<std::string, MemoryWorker> workers;
  std::map<MemoryTableKey, MemoryTable> tables;
  uint64_t last_token = 0;

  // Set for each write by the store.
  int64_t now_ns = 0;
  bool tasks_changed = false;
  bool events_changed = false;

  // NOT_FOUND.
  absl::StatusOr<MemoryStudy*> FindStudy(absl::string_view study_id);
  absl::StatusOr<MemoryTask*> FindTask(absl::string_view task_id);
  // FAILED_PRECONDITION.
  absl::StatusOr<MemoryWorker*> FindSession(absl::string_view session);

  // These do as the Store methods of like names.
  absl::StatusOr<std::optional<v1::Lease>> Lease(absl::string_view session,
                                                 absl::Duration duration);
  absl::Status Renew(const LeaseRef& lease, absl::Duration duration,
                     double progress);
  // nullopt: it came late and was kept.
  absl::StatusOr<std::optional<CompletionResult>> Complete(
      const Completion& completion);
  std::vector<v1::Attempt> Expire();
  absl::Status Register(const v1::RegisterRequest& worker,
                        absl::string_view session);
  absl::Status MergeTable(const v1::LatencyTable& table);

  // Of a trial, or of the whole study (`trial` 0).
  void CancelTasks(int64_t study, int trial);

  void AddEvent(MemoryStudy* study, v1::StudyEvent event);
  void AddStudyEvent(MemoryStudy* study);
  void AddTrialEvent(MemoryStudy* study, const v1::Trial& trial);

 private:
  MemoryTask* ChooseTask(const MemoryWorker& worker);
  bool MayTake(const MemoryWorker& worker, const MemoryTask& task) const;
  bool AnotherCouldTake(const std::string& worker_id,
                        const MemoryTask& task) const;
  bool HoldsDevice(const std::string& worker_id,
                   const std::string& device_id) const;
  MemoryAttempt* FindAttempt(const LeaseRef& lease, MemoryTask** task);
  void End(MemoryTask* task, MemoryAttempt* attempt, v1::AttemptOutcome outcome,
           absl::string_view error);
  void EndByFault(MemoryTask* task, MemoryAttempt* attempt,
                  v1::AttemptOutcome outcome, absl::string_view error);
  void EndByUserError(MemoryTask* task, MemoryAttempt* attempt,
                      absl::string_view error);
  absl::Status EndOk(MemoryTask* task, MemoryAttempt* attempt,
                     const v1::TaskResult& result);
  void CountInTrial(const MemoryTask& task, const v1::TaskResult& result);
};

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_MEMORY_STATE_H_
