// What goes into and comes out of a Store (db/store.h) beyond the wire types.
#ifndef FROSTNAS_DB_RECORDS_H_
#define FROSTNAS_DB_RECORDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "proto/frostnas/v1/measurement.pb.h"
#include "proto/frostnas/v1/study.pb.h"
#include "proto/frostnas/v1/study_service.pb.h"
#include "proto/frostnas/v1/task.pb.h"

namespace frostnas::db {

// Which part of a list is wanted.
struct PageRequest {
  int size = 100;     // items, 1..1000
  std::string token;  // next_token of the previous page; empty: the first
};

template <typename T>
struct Page {
  std::vector<T> items;
  std::string next_token;  // empty: that was all
};

// What the search has to keep to go on after a restart.
struct Checkpoint {
  std::string state;  // the engine's own bytes, opaque here
  // Blobs (hex) the state needs; they count as referenced.
  std::vector<std::string> blob_sha256;

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// Fields left unset stay as they are.
struct StudyUpdate {
  std::optional<v1::StudyState> state;
  std::optional<std::string> error;
  std::optional<std::string> phase;
  std::optional<double> progress;  // 0..1
  std::optional<v1::DatasetInfo> dataset;
  std::optional<double> hypervolume;
};

// A change of one trial by the study's engine. Fields left unset stay.
struct TrialUpdate {
  int trial_id = 0;
  std::optional<v1::TrialState> state;
  std::optional<std::string> error;
  std::optional<v1::AccuracyResult> accuracy;
  // Each replaces the trial's measurement of the same device.
  std::vector<v1::Measurement> latency;
};

// A task to create. `key` names it inside its study ("accuracy/7",
// "latency/7/host"), so that creating it twice gives one task. A CANCELLED
// task created again (its study was resumed) is runnable again with all its
// attempts; any other stays as it is.
struct NewTask {
  std::string key;  // 1..200 bytes
  // id is ignored; study_id may be left empty; trial_id, work, max_attempts
  // (1..100) are taken.
  v1::Task task;
};

// Writes of a study's engine that become durable together or not at all.
// Applied in the order of the fields.
struct StudyStep {
  StudyUpdate update;
  // Taken: architecture, arch_sha256, choice, params, macs, package_bytes,
  // weights_sha256, package_sha256, origin. The store numbers trials from 1 in
  // each study; they start WAITING, accuracies unknown (-1), no latency. A
  // trial whose arch_sha256 the study already has is not made again.
  std::vector<v1::Trial> new_trials;
  std::vector<TrialUpdate> trial_updates;
  // Exactly these trials are on the front from now on.
  std::optional<std::vector<int>> front;
  std::vector<NewTask> new_tasks;
  std::optional<Checkpoint> checkpoint;
  // sequence, study_id and at_ns are set by the store.
  std::vector<v1::StudyEvent> events;
};

// What a step left behind.
struct StepResult {
  v1::Study study;
  // For each of new_trials, in order: the trial made or found.
  std::vector<v1::Trial> trials;
  // For each of new_tasks, in order: the task made or found.
  std::vector<v1::Task> tasks;
};

// Where a task stands. DONE, FAILED and CANCELLED are final.
enum class TaskState {
  kRunnable = 1,
  kLeased = 2,
  kDone = 3,
  // A USER_ERROR, or max_attempts ended by faults of machines.
  kFailed = 4,
  kCancelled = 5,
};

struct TaskRecord {
  v1::Task task;
  std::string key;
  TaskState state = TaskState::kRunnable;
  int attempts = 0;     // begun so far
  double progress = 0;  // 0..1 of the last attempt, as its worker last said
  std::string error;    // of a failed task: its attempts' errors, one a line
  // The counted result of a done task.
  std::optional<v1::TaskResult> result;
};

struct TaskCounts {
  int runnable = 0;
  int leased = 0;
  int done = 0;
  int failed = 0;
  int cancelled = 0;
  int open() const { return runnable + leased; }
  // Counts `n` more in `state`.
  void Add(TaskState state, int n);
};

struct AttemptRecord {
  v1::Attempt attempt;
  uint64_t fencing_token = 0;
  // What the worker sent, also when it came late.
  std::optional<v1::TaskResult> result;
};

// One lease as its holder names it.
struct LeaseRef {
  std::string session;
  std::string task_id;
  uint64_t fencing_token = 0;
};

// The end of an attempt as its worker tells it.
struct Completion {
  LeaseRef lease;
  // OK, USER_ERROR, INFRA_ERROR, THERMAL_REJECT or TIMEOUT.
  v1::AttemptOutcome outcome = v1::ATTEMPT_OUTCOME_UNSPECIFIED;
  std::string error;      // cut to 4096 bytes
  v1::TaskResult result;  // of the task's kind when the outcome is OK
};

// What a completion did.
struct CompletionResult {
  // The result now stands for the task. False: an attempt that failed.
  bool counted = false;
};

// What two objectives need of a measured trial, without its protos.
struct Objective {
  int trial_id = 0;
  double int8_top1 = 0;    // fraction
  int64_t latency_ns = 0;  // median
};

// Under which conditions operator latencies are comparable.
struct TableKey {
  std::string device_fingerprint;
  std::string runtime;
  int threads = 1;
  int batch = 1;
};

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_RECORDS_H_
