#include "db/sqlite_store.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "db/database_file.h"
#include "db/file_lock.h"
#include "db/migrations/migrations.h"
#include "db/rules.h"
#include "db/sqlite/database.h"
#include "db/sqlite/group_writer.h"
#include "db/sqlite/reader_pool.h"
#include "db/tables/attempts.h"
#include "db/tables/checkpoints.h"
#include "db/tables/context.h"
#include "db/tables/events.h"
#include "db/tables/latency_tables.h"
#include "db/tables/leases.h"
#include "db/tables/steps.h"
#include "db/tables/studies.h"
#include "db/tables/tasks.h"
#include "db/tables/trials.h"
#include "db/tables/workers.h"

namespace frostnas::db {
namespace {

using sqlite::Database;
using sqlite::OpenMode;

constexpr int kMaxReaders = 8;
constexpr int kMaxEvents = 10000;

// Each method names the rows it touches; Read and Write give them a snapshot or
// a durable transaction.
class SqliteStore final : public Store {
 public:
  SqliteStore(FileLock lock, std::unique_ptr<Database> database,
              const Clock* clock)
      : lock_(std::move(lock)),
        clock_(*clock),
        readers_(database->path(), kMaxReaders),
        writer_(std::move(database)) {}

  absl::StatusOr<v1::Study> CreateStudy(absl::string_view request_id,
                                        const v1::StudySpec& spec) override {
    return Write<v1::Study>([&](WriteContext& context) {
      return InsertStudy(context, request_id, spec);
    });
  }

  absl::StatusOr<v1::Study> GetStudy(absl::string_view study_id) override {
    return Read<v1::Study>([&](Database& db) -> absl::StatusOr<v1::Study> {
      ASSIGN_OR_RETURN(StudyRow row, ReadStudy(db, study_id));
      return std::move(row.study);
    });
  }

  absl::StatusOr<Page<v1::Study>> ListStudies(
      const PageRequest& page) override {
    return Read<Page<v1::Study>>(
        [&](Database& db) { return ReadStudies(db, page); });
  }

  absl::StatusOr<StepResult> CommitStep(absl::string_view study_id,
                                        const StudyStep& step) override {
    return Write<StepResult>([&](WriteContext& context) {
      return ApplyStep(context, study_id, step);
    });
  }

  absl::StatusOr<v1::Study> RequestCancel(absl::string_view study_id) override {
    return Write<v1::Study>(
        [&](WriteContext& context) { return CancelStudy(context, study_id); });
  }

  absl::StatusOr<bool> IsCancelRequested(absl::string_view study_id) override {
    return Read<bool>([&](Database& db) -> absl::StatusOr<bool> {
      ASSIGN_OR_RETURN(const StudyRow row, ReadStudy(db, study_id));
      return row.cancel_requested;
    });
  }

  absl::StatusOr<v1::Trial> GetTrial(absl::string_view study_id,
                                     int trial_id) override {
    return ReadOfStudy<v1::Trial>(study_id, [&](Database& db, int64_t study) {
      return ReadTrial(db, study, trial_id);
    });
  }

  absl::StatusOr<Page<v1::Trial>> ListTrials(absl::string_view study_id,
                                             const PageRequest& page) override {
    return ReadOfStudy<Page<v1::Trial>>(study_id,
                                        [&](Database& db, int64_t study) {
                                          return ReadTrials(db, study, page);
                                        });
  }

  absl::StatusOr<std::vector<v1::Trial>> ListFront(
      absl::string_view study_id) override {
    return ReadOfStudy<std::vector<v1::Trial>>(study_id, ReadFront);
  }

  absl::StatusOr<std::vector<Objective>> ListObjectives(
      absl::string_view study_id, absl::string_view device_id) override {
    return ReadOfStudy<std::vector<Objective>>(
        study_id, [&](Database& db, int64_t study) {
          return ReadObjectives(db, study, device_id);
        });
  }

  absl::StatusOr<TaskRecord> GetTask(absl::string_view task_id) override {
    return Read<TaskRecord>([&](Database& db) -> absl::StatusOr<TaskRecord> {
      ASSIGN_OR_RETURN(const int64_t seq, TaskSeq(task_id));
      ASSIGN_OR_RETURN(TaskRow row, ReadTask(db, seq));
      return std::move(row.record);
    });
  }

  absl::StatusOr<std::vector<TaskRecord>> ListTasks(
      absl::string_view study_id) override {
    return ReadOfStudy<std::vector<TaskRecord>>(study_id, ReadTasks);
  }

  absl::StatusOr<TaskCounts> CountTasks(absl::string_view study_id) override {
    return ReadOfStudy<TaskCounts>(study_id, ReadTaskCounts);
  }

  absl::StatusOr<std::vector<AttemptRecord>> ListAttempts(
      absl::string_view task_id) override {
    using Attempts = std::vector<AttemptRecord>;
    return Read<Attempts>([&](Database& db) -> absl::StatusOr<Attempts> {
      ASSIGN_OR_RETURN(const int64_t seq, TaskSeq(task_id));
      RETURN_IF_ERROR(ReadTask(db, seq).status());
      return ReadAttempts(db, seq);
    });
  }

  absl::StatusOr<std::optional<v1::Lease>> LeaseTask(
      absl::string_view session, absl::Duration duration) override {
    return Write<std::optional<v1::Lease>>([&](WriteContext& context) {
      return Lease(context, session, duration);
    });
  }

  absl::Status RenewLease(const LeaseRef& lease, absl::Duration duration,
                          double progress) override {
    return WriteStatus([&](WriteContext& context) {
      return Renew(context, lease, duration, progress);
    });
  }

  absl::StatusOr<CompletionResult> CompleteTask(
      const Completion& completion) override {
    ASSIGN_OR_RETURN(
        const auto result,
        Write<std::optional<CompletionResult>>([&](WriteContext& context) {
          return Complete(context, completion);
        }));
    if (!result.has_value()) return LeaseOver(completion.lease.task_id);
    return *result;
  }

  absl::StatusOr<std::vector<v1::Attempt>> ExpireLeases() override {
    return Write<std::vector<v1::Attempt>>(Expire);
  }

  absl::Status RegisterWorker(const v1::RegisterRequest& worker,
                              absl::string_view session) override {
    return WriteStatus([&](WriteContext& context) {
      return Register(context, worker, session);
    });
  }

  absl::StatusOr<v1::RegisterRequest> GetWorker(
      absl::string_view session) override {
    return Read<v1::RegisterRequest>(
        [&](Database& db) { return ReadWorker(db, session); });
  }

  absl::StatusOr<std::vector<v1::WorkerStatus>> ListWorkers(
      absl::Time since) override {
    return Read<std::vector<v1::WorkerStatus>>([&](Database& db) {
      return ReadWorkers(db, absl::ToUnixNanos(since));
    });
  }

  absl::StatusOr<std::vector<v1::StudyEvent>> ListEvents(
      absl::string_view study_id, uint64_t after_sequence, int limit) override {
    if (limit < 1 || limit > kMaxEvents) {
      return absl::InvalidArgumentError("limit: must be 1..10000");
    }
    return ReadOfStudy<std::vector<v1::StudyEvent>>(
        study_id, [&](Database& db, int64_t study) {
          return ReadEvents(db, study, after_sequence, limit);
        });
  }

  absl::StatusOr<std::optional<Checkpoint>> GetCheckpoint(
      absl::string_view study_id) override {
    return ReadOfStudy<std::optional<Checkpoint>>(study_id, ReadCheckpoint);
  }

  absl::Status MergeLatencyTable(const v1::LatencyTable& table) override {
    return WriteStatus(
        [&](WriteContext& context) { return MergeTable(context.db, table); });
  }

  absl::StatusOr<v1::LatencyTable> GetLatencyTable(
      const TableKey& key) override {
    return Read<v1::LatencyTable>(
        [&](Database& db) { return ReadTable(db, key); });
  }

  absl::StatusOr<std::vector<v1::Measurement>> ListMeasurements(
      absl::string_view study_id, int trial_id) override {
    using Measurements = std::vector<v1::Measurement>;
    return ReadOfStudy<Measurements>(
        study_id,
        [&](Database& db, int64_t study) -> absl::StatusOr<Measurements> {
          RETURN_IF_ERROR(ReadTrial(db, study, trial_id).status());
          return ReadMeasurements(db, study, trial_id);
        });
  }

  absl::StatusOr<std::vector<std::string>> ListReferencedBlobs() override {
    return Read<std::vector<std::string>>(ReadReferencedBlobs);
  }

 private:
  template <typename Value, typename Body>
  absl::StatusOr<Value> Read(Body body) {
    absl::StatusOr<Value> value = absl::InternalError("not read");
    RETURN_IF_ERROR(readers_.Read([&](Database& db) {
      value = body(db);
      return value.status();
    }));
    return value;
  }

  template <typename Value, typename Body>
  absl::StatusOr<Value> ReadOfStudy(absl::string_view study_id, Body body) {
    return Read<Value>([&](Database& db) -> absl::StatusOr<Value> {
      ASSIGN_OR_RETURN(const int64_t study, FindStudy(db, study_id));
      return body(db, study);
    });
  }

  template <typename Value, typename Body>
  absl::StatusOr<Value> Write(Body body) {
    absl::StatusOr<Value> value = absl::InternalError("not written");
    RETURN_IF_ERROR(WriteStatus([&](WriteContext& context) {
      value = body(context);
      return value.status();
    }));
    return value;
  }

  // Wakes those who wait only after the commit, which they will look at.
  template <typename Body>
  absl::Status WriteStatus(Body body) {
    bool tasks = false;
    bool events = false;
    RETURN_IF_ERROR(writer_.Write([&](Database& db) {
      WriteContext context{db, absl::ToUnixNanos(clock_.Now())};
      const absl::Status status = body(context);
      tasks = context.tasks_changed;
      events = context.events_changed;
      return status;
    }));
    if (tasks) tasks_changed().Notify();
    if (events) events_changed().Notify();
    return absl::OkStatus();
  }

  const FileLock lock_;  // first: let go when all else is closed
  const Clock& clock_;
  sqlite::ReaderPool readers_;
  sqlite::GroupWriter writer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const std::string& path,
                                                       const Clock* clock) {
  RETURN_IF_ERROR(CheckDatabaseFile(path));
  ASSIGN_OR_RETURN(FileLock lock, FileLock::Acquire(path));
  ASSIGN_OR_RETURN(auto database, Database::Open(path, OpenMode::kReadWrite));
  RETURN_IF_ERROR(MigrateTo(database.get(), CurrentVersion()));
  return std::make_unique<SqliteStore>(std::move(lock), std::move(database),
                                       clock);
}

}  // namespace frostnas::db
