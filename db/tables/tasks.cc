#include "db/tables/tasks.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "db/rules.h"
#include "db/tables/trials.h"

namespace frostnas::db {
namespace {

using sqlite::Blob;
using sqlite::Database;
using sqlite::Statement;

constexpr char kByKey[] = "SELECT seq FROM tasks WHERE study = ? AND key = ?";
constexpr char kInsert[] =
    "INSERT INTO tasks (study, key, trial, kind, device_id, input_sha256, "
    "state, attempts_left, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
#define FROSTNAS_TASK_COLUMNS                                               \
  "SELECT seq, study, attempts_left, key, state, attempts, error, record, " \
  "result, progress FROM tasks "
constexpr char kSelect[] = FROSTNAS_TASK_COLUMNS "WHERE seq = ?";
constexpr char kSelectAll[] =
    FROSTNAS_TASK_COLUMNS "WHERE study = ? ORDER BY seq";
#undef FROSTNAS_TASK_COLUMNS
constexpr char kCount[] =
    "SELECT state, count(*) FROM tasks WHERE study = ? GROUP BY state";
// The states are written out (1 runnable, 2 leased) so that SQLite sees that
// the partial indices fit.
constexpr char kRunnable[] =
    "SELECT seq FROM tasks INDEXED BY tasks_runnable WHERE state = 1 "
    "AND kind = ? AND device_id = ? AND (?3 = '' OR failed_worker <> ?3) "
    "ORDER BY seq LIMIT 1";
constexpr char kOpen[] =
    "SELECT seq FROM tasks WHERE state IN (1, 2) AND study = ?1 "
    "AND (?2 = 0 OR trial = ?2) ORDER BY seq";
constexpr char kRevive[] =
    "UPDATE tasks SET state = ?, attempts_left = ?, failed_worker = '' "
    "WHERE seq = ?";
constexpr char kLease[] =
    "UPDATE tasks SET state = ?, attempts = attempts + 1, "
    "attempts_left = attempts_left - 1, progress = 0 WHERE seq = ?";
constexpr char kSetProgress[] = "UPDATE tasks SET progress = ? WHERE seq = ?";
constexpr char kDone[] = "UPDATE tasks SET state = ?, result = ? WHERE seq = ?";
constexpr char kRetry[] =
    "UPDATE tasks SET state = ?, failed_worker = ? WHERE seq = ?";
constexpr char kFail[] = "UPDATE tasks SET state = ?, error = ? WHERE seq = ?";
constexpr char kSetState[] = "UPDATE tasks SET state = ? WHERE seq = ?";

int Number(TaskState state) { return static_cast<int>(state); }

absl::StatusOr<TaskRow> ParseRow(const Statement& row) {
  TaskRow parsed;
  parsed.seq = row.Int(0);
  parsed.study = row.Int(1);
  parsed.attempts_left = static_cast<int>(row.Int(2));
  TaskRecord& record = parsed.record;
  record.key = std::string(row.Text(3));
  record.state = static_cast<TaskState>(row.Int(4));
  record.attempts = static_cast<int>(row.Int(5));
  record.error = std::string(row.Text(6));
  ASSIGN_OR_RETURN(record.task, ParseRecord<v1::Task>(row.Bytes(7)));
  record.task.set_id(TaskId(parsed.seq));
  record.task.set_study_id(StudyId(parsed.study));
  if (!row.IsNull(8)) {
    ASSIGN_OR_RETURN(record.result, ParseRecord<v1::TaskResult>(row.Bytes(8)));
  }
  record.progress = row.Real(9);
  return parsed;
}

absl::StatusOr<int64_t> InsertTask(WriteContext& context, int64_t study,
                                   const NewTask& given) {
  if (given.task.trial_id() != 0) {
    RETURN_IF_ERROR(
        ReadTrial(context.db, study, given.task.trial_id()).status());
  }
  v1::Task task = given.task;
  task.clear_id();
  task.clear_study_id();
  RETURN_IF_ERROR(context.db.Run(kInsert, study, given.key, task.trial_id(),
                                 static_cast<int>(KindOf(task)), DeviceOf(task),
                                 InputOf(task), Number(TaskState::kRunnable),
                                 task.max_attempts(),
                                 Blob(task.SerializeAsString())));
  context.tasks_changed = true;
  return context.db.last_insert_id();
}

absl::Status Revive(WriteContext& context, const TaskRow& row) {
  context.tasks_changed = true;
  return context.db.Run(kRevive, Number(TaskState::kRunnable),
                        row.record.task.max_attempts(), row.seq);
}

}  // namespace

absl::StatusOr<v1::Task> FindOrInsertTask(WriteContext& context, int64_t study,
                                          const NewTask& given) {
  RETURN_IF_ERROR(CheckNewTask(given));
  ASSIGN_OR_RETURN(int64_t seq,
                   context.db.QueryInt(0, kByKey, study, given.key));
  if (seq == 0) {
    ASSIGN_OR_RETURN(seq, InsertTask(context, study, given));
  }
  ASSIGN_OR_RETURN(TaskRow row, ReadTask(context.db, seq));
  if (row.record.state == TaskState::kCancelled) {
    RETURN_IF_ERROR(Revive(context, row));
  }
  return std::move(row.record.task);
}

absl::StatusOr<TaskRow> ReadTask(Database& db, int64_t seq) {
  ASSIGN_OR_RETURN(Statement row, db.Query(kSelect, seq));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return absl::NotFoundError(absl::StrCat("no task ", TaskId(seq)));
  return ParseRow(row);
}

absl::StatusOr<std::vector<TaskRecord>> ReadTasks(Database& db, int64_t study) {
  ASSIGN_OR_RETURN(Statement rows, db.Query(kSelectAll, study));
  std::vector<TaskRecord> tasks;
  RETURN_IF_ERROR(ForEachRow(rows, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(TaskRow row, ParseRow(rows));
    tasks.push_back(std::move(row.record));
    return absl::OkStatus();
  }));
  return tasks;
}

absl::StatusOr<TaskCounts> ReadTaskCounts(Database& db, int64_t study) {
  ASSIGN_OR_RETURN(Statement rows, db.Query(kCount, study));
  TaskCounts counts;
  RETURN_IF_ERROR(ForEachRow(rows, [&] {
    counts.Add(static_cast<TaskState>(rows.Int(0)),
               static_cast<int>(rows.Int(1)));
    return absl::OkStatus();
  }));
  return counts;
}

absl::StatusOr<std::optional<int64_t>> FindRunnable(
    Database& db, v1::TaskKind kind, absl::string_view device_id,
    absl::string_view avoid_failed_by) {
  ASSIGN_OR_RETURN(const int64_t seq,
                   db.QueryInt(0, kRunnable, static_cast<int>(kind), device_id,
                               avoid_failed_by));
  if (seq == 0) return std::nullopt;
  return seq;
}

absl::StatusOr<std::vector<int64_t>> FindOpenTasks(Database& db, int64_t study,
                                                   int trial) {
  ASSIGN_OR_RETURN(Statement rows, db.Query(kOpen, study, trial));
  std::vector<int64_t> open;
  RETURN_IF_ERROR(ForEachRow(rows, [&] {
    open.push_back(rows.Int(0));
    return absl::OkStatus();
  }));
  return open;
}

absl::Status MarkLeased(WriteContext& context, int64_t seq) {
  return context.db.Run(kLease, Number(TaskState::kLeased), seq);
}

absl::Status SetProgress(WriteContext& context, int64_t seq, double progress) {
  return context.db.Run(kSetProgress, progress, seq);
}

absl::Status MarkDone(WriteContext& context, int64_t seq,
                      const v1::TaskResult& result) {
  return context.db.Run(kDone, Number(TaskState::kDone),
                        Blob(result.SerializeAsString()), seq);
}

absl::Status MarkRunnable(WriteContext& context, int64_t seq,
                          absl::string_view failed_worker) {
  context.tasks_changed = true;
  return context.db.Run(kRetry, Number(TaskState::kRunnable), failed_worker,
                        seq);
}

absl::Status MarkFailed(WriteContext& context, int64_t seq,
                        absl::string_view error) {
  return context.db.Run(kFail, Number(TaskState::kFailed), error, seq);
}

absl::Status MarkCancelled(WriteContext& context, int64_t seq) {
  return context.db.Run(kSetState, Number(TaskState::kCancelled), seq);
}

}  // namespace frostnas::db
