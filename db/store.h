// Start here: what survives a restart.
//
// A Store keeps studies, their trials, tasks and attempts, workers, events,
// search checkpoints and latency tables. Two implementations pass one suite
// (db/testing/store_conformance.h): SqliteStore (db/sqlite_store.h) for service
// and MemoryStore (db/memory_store.h) for tests. Bytes of networks live in a
// BlobStore (db/blob_store.h); a Store knows their digests only.
//
// Each method is one transaction: when it returns OK the write is durable, when
// it returns an error nothing was written (but for a late completion, which is
// recorded and answered with an error). Times are those of the Clock the store
// was made with.
//
// Codes used by every method, besides those named below: UNAVAILABLE: the
// database is busy or its disk is full, try again; DATA_LOSS: a stored record
// cannot be read; INTERNAL: SQLite failed in another way.
//
// Thread-safe: any method from any thread. Arguments are copied, results are
// the caller's.
#ifndef FROSTNAS_DB_STORE_H_
#define FROSTNAS_DB_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "db/change_signal.h"
#include "db/records.h"
#include "proto/frostnas/v1/measurement.pb.h"
#include "proto/frostnas/v1/study.pb.h"
#include "proto/frostnas/v1/study_service.pb.h"
#include "proto/frostnas/v1/task.pb.h"
#include "proto/frostnas/v1/task_service.pb.h"

namespace frostnas::db {

class Store {
 public:
  virtual ~Store() = default;

  // --- Studies ---------------------------------------------------------------

  // Makes a QUEUED study. The same request_id with the same spec returns the
  // study made first, as it stands now. Ids are numbered: "st-00000001" is a
  // file's first. INVALID_ARGUMENT: request_id not of 1..64 characters.
  // ALREADY_EXISTS: the request_id was used with another spec.
  virtual absl::StatusOr<v1::Study> CreateStudy(absl::string_view request_id,
                                                const v1::StudySpec& spec) = 0;

  // NOT_FOUND: no such study.
  virtual absl::StatusOr<v1::Study> GetStudy(absl::string_view study_id) = 0;

  // Newest first; a study created meanwhile does not shift later pages.
  // INVALID_ARGUMENT: size out of range, or a token not of this list.
  virtual absl::StatusOr<Page<v1::Study>> ListStudies(
      const PageRequest& page) = 0;

  // Applies a step of the study's engine (db/records.h) in one transaction,
  // with an event for the changed study (when `update` changes something) and
  // one for each trial made or changed; a study in an event carries no spec.
  // Setting an ended state sets ended_at_ns and cancels the study's open tasks
  // and, unless the state is FAILED (which can be resumed), its waiting trials.
  // NOT_FOUND: no such study or trial. INVALID_ARGUMENT names the field.
  // FAILED_PRECONDITION: the study has ended (a FAILED one takes a step that
  // sets it RUNNING), or new tasks are given after a request to cancel.
  virtual absl::StatusOr<StepResult> CommitStep(absl::string_view study_id,
                                                const StudyStep& step) = 0;

  // Asks a study to stop: its open tasks are cancelled (holders of leases learn
  // it by their next heartbeat) and waiting trials become CANCELLED. A QUEUED
  // study is CANCELLED at once; a RUNNING one when its engine, which sees
  // IsCancelRequested, says so. Does nothing to an ended study. NOT_FOUND.
  virtual absl::StatusOr<v1::Study> RequestCancel(
      absl::string_view study_id) = 0;

  // NOT_FOUND: no such study.
  virtual absl::StatusOr<bool> IsCancelRequested(
      absl::string_view study_id) = 0;

  // --- Trials ----------------------------------------------------------------

  // NOT_FOUND: no such study or trial.
  virtual absl::StatusOr<v1::Trial> GetTrial(absl::string_view study_id,
                                             int trial_id) = 0;

  // By id. NOT_FOUND: no such study. INVALID_ARGUMENT as ListStudies.
  virtual absl::StatusOr<Page<v1::Trial>> ListTrials(
      absl::string_view study_id, const PageRequest& page) = 0;

  // Trials marked as the front, by id. NOT_FOUND: no such study.
  virtual absl::StatusOr<std::vector<v1::Trial>> ListFront(
      absl::string_view study_id) = 0;

  // One for each MEASURED trial with a latency on the device, by trial id: what
  // a front is selected from. NOT_FOUND: no such study.
  virtual absl::StatusOr<std::vector<Objective>> ListObjectives(
      absl::string_view study_id, absl::string_view device_id) = 0;

  // --- Tasks, leases, attempts -----------------------------------------------

  // NOT_FOUND: no such task.
  virtual absl::StatusOr<TaskRecord> GetTask(absl::string_view task_id) = 0;

  // All tasks of a study in the order they were made. NOT_FOUND.
  virtual absl::StatusOr<std::vector<TaskRecord>> ListTasks(
      absl::string_view study_id) = 0;

  // NOT_FOUND: no such study.
  virtual absl::StatusOr<TaskCounts> CountTasks(absl::string_view study_id) = 0;

  // By number: leases in the order given. NOT_FOUND: no such task.
  virtual absl::StatusOr<std::vector<AttemptRecord>> ListAttempts(
      absl::string_view task_id) = 0;

  // Leases the oldest runnable task the session's worker can do: its kind is
  // among the worker's roles and its device, if it has one, among the worker's
  // devices. A worker gets no second task for a device it already holds a lease
  // on, and no task whose last attempt it failed or lost while another worker
  // heard of in the last WorkerTimeout() could take it. nullopt: none now.
  // The fencing token is greater than every one given before. Counts as word
  // from the worker. INVALID_ARGUMENT: duration not positive.
  // FAILED_PRECONDITION: the session was replaced or is unknown.
  virtual absl::StatusOr<std::optional<v1::Lease>> LeaseTask(
      absl::string_view session, absl::Duration duration) = 0;

  // Lets a lease last `duration` from now, and notes how far its work is, 0..1.
  // A lease that has expired but was not taken back by ExpireLeases is renewed
  // too. Counts as word from the worker. FAILED_PRECONDITION: the lease is over
  // (taken back, given away, completed or cancelled) or the session was
  // replaced: stop the work. INVALID_ARGUMENT: duration not positive, progress
  // not 0..1.
  virtual absl::Status RenewLease(const LeaseRef& lease,
                                  absl::Duration duration, double progress) = 0;

  // Ends an attempt, and in the same transaction:
  // OK: the task is done; an accuracy or latency result goes into its trial
  //   (MEASURED once it has INT8 accuracy and a latency on each device of the
  //   spec), operator latencies into the latency table.
  // USER_ERROR: the task failed; its trial is INFEASIBLE with the error and the
  //   trial's other open tasks are cancelled (their attempts end as LOST, so a
  //   result that still comes is LATE).
  // Others: the task is runnable again, or failed with its attempts' errors
  //   after max_attempts; the trial stays as it is.
  // Events are added for the attempt and the changed trial. Repeating the call
  // gives the same answer and changes nothing.
  // INVALID_ARGUMENT: outcome not a worker's to give, or the result is not of
  // the task's kind, not for its device, or breaks a range (names the field).
  // NOT_FOUND: no such lease was ever given. FAILED_PRECONDITION: the lease is
  // over; what was sent is kept as a LATE attempt and not counted.
  virtual absl::StatusOr<CompletionResult> CompleteTask(
      const Completion& completion) = 0;

  // Takes back every lease past its end: the attempt is LOST, the task runnable
  // again or failed after max_attempts. Returns the attempts it ended; of two
  // callers at once each lease is taken back by one.
  virtual absl::StatusOr<std::vector<v1::Attempt>> ExpireLeases() = 0;

  // --- Workers ---------------------------------------------------------------

  // Signs a worker in as `session`, a string the caller draws at random. An
  // earlier session of the same worker ends: its open attempts are LOST.
  // INVALID_ARGUMENT: worker_id or session empty, no roles, a role unknown, or
  // a LATENCY or PROFILE_OPS role without devices. ALREADY_EXISTS: the session
  // string is in use.
  virtual absl::Status RegisterWorker(const v1::RegisterRequest& worker,
                                      absl::string_view session) = 0;

  // The registration behind a session. FAILED_PRECONDITION: the session was
  // replaced or is unknown.
  virtual absl::StatusOr<v1::RegisterRequest> GetWorker(
      absl::string_view session) = 0;

  // Workers heard of at or after `since`, by id, with the tasks they hold.
  virtual absl::StatusOr<std::vector<v1::WorkerStatus>> ListWorkers(
      absl::Time since) = 0;

  // --- Events, checkpoints, latency tables -----------------------------------

  // At most `limit` (1..10000) events after the cursor, by sequence; numbers
  // start at 1 and have no gaps. NOT_FOUND: no such study.
  virtual absl::StatusOr<std::vector<v1::StudyEvent>> ListEvents(
      absl::string_view study_id, uint64_t after_sequence, int limit) = 0;

  // The newest checkpoint; nullopt before the first. NOT_FOUND: no such study.
  virtual absl::StatusOr<std::optional<Checkpoint>> GetCheckpoint(
      absl::string_view study_id) = 0;

  // Adds a table's operators, replacing those measured before under the same
  // key, and takes over its device and, when it is fitted (networks > 0), its
  // calibration. INVALID_ARGUMENT: no fingerprint or runtime; threads, batch or
  // a latency not positive.
  virtual absl::Status MergeLatencyTable(const v1::LatencyTable& table) = 0;

  // Everything known under a key, operators in the order of their digests.
  // NOT_FOUND: nothing is.
  virtual absl::StatusOr<v1::LatencyTable> GetLatencyTable(
      const TableKey& key) = 0;

  // Every accepted measurement of a trial, oldest first, on all devices.
  // NOT_FOUND: no such study or trial.
  virtual absl::StatusOr<std::vector<v1::Measurement>> ListMeasurements(
      absl::string_view study_id, int trial_id) = 0;

  // Digests (hex, sorted, distinct) of all blobs that trials, tasks, attempts
  // and checkpoints name: what BlobStore::CollectUnreferenced must keep.
  virtual absl::StatusOr<std::vector<std::string>> ListReferencedBlobs() = 0;

  // --- Waiting ---------------------------------------------------------------

  // Counts commits after which a task may have become runnable.
  ChangeSignal& tasks_changed() { return tasks_changed_; }
  // Counts commits that added events, of any study.
  ChangeSignal& events_changed() { return events_changed_; }

  // How long after its last word a worker still counts as there.
  static constexpr absl::Duration WorkerTimeout() { return absl::Minutes(2); }

  // --- Short forms of CommitStep ---------------------------------------------

  absl::StatusOr<v1::Study> UpdateStudy(absl::string_view study_id,
                                        const StudyUpdate& update);
  absl::StatusOr<std::vector<v1::Trial>> CreateTrials(
      absl::string_view study_id, absl::Span<const v1::Trial> trials);
  absl::StatusOr<std::vector<v1::Task>> CreateTasks(
      absl::string_view study_id, absl::Span<const NewTask> tasks);
  absl::Status AppendEvent(absl::string_view study_id,
                           const v1::StudyEvent& event);
  absl::Status SaveCheckpoint(absl::string_view study_id,
                              const Checkpoint& checkpoint);

 private:
  ChangeSignal tasks_changed_;
  ChangeSignal events_changed_;
};

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_STORE_H_
