// Tasks: what is to be done and where it stands.
#ifndef FROSTNAS_DB_TABLES_TASKS_H_
#define FROSTNAS_DB_TABLES_TASKS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "db/records.h"
#include "db/tables/context.h"
#include "proto/frostnas/v1/task.pb.h"

namespace frostnas::db {

struct TaskRow {
  int64_t seq = 0;
  int64_t study = 0;
  int attempts_left = 0;
  TaskRecord record;  // task with id and study_id
};

// The task of this key, made when the study has none; a cancelled one is made
// runnable again. INVALID_ARGUMENT. NOT_FOUND: no such trial.
absl::StatusOr<v1::Task> FindOrInsertTask(WriteContext& context, int64_t study,
                                          const NewTask& given);

// NOT_FOUND.
absl::StatusOr<TaskRow> ReadTask(sqlite::Database& db, int64_t seq);
absl::StatusOr<std::vector<TaskRecord>> ReadTasks(sqlite::Database& db,
                                                  int64_t study);
absl::StatusOr<TaskCounts> ReadTaskCounts(sqlite::Database& db, int64_t study);

// The oldest runnable task of the kind for the device ("" for kinds without);
// leaves out tasks that `avoid_failed_by` failed last ("" leaves out none).
absl::StatusOr<std::optional<int64_t>> FindRunnable(
    sqlite::Database& db, v1::TaskKind kind, absl::string_view device_id,
    absl::string_view avoid_failed_by);

// Open tasks of a study; `trial` 0: of all trials and none.
absl::StatusOr<std::vector<int64_t>> FindOpenTasks(sqlite::Database& db,
                                                   int64_t study, int trial);

// --- Moves between states ----------------------------------------------------

// runnable -> leased, one attempt more.
absl::Status MarkLeased(WriteContext& context, int64_t seq);
// Stays leased.
absl::Status SetProgress(WriteContext& context, int64_t seq, double progress);
// leased -> done.
absl::Status MarkDone(WriteContext& context, int64_t seq,
                      const v1::TaskResult& result);
// leased -> runnable, after a fault of this worker's machine.
absl::Status MarkRunnable(WriteContext& context, int64_t seq,
                          absl::string_view failed_worker);
// leased -> failed.
absl::Status MarkFailed(WriteContext& context, int64_t seq,
                        absl::string_view error);
// open -> cancelled.
absl::Status MarkCancelled(WriteContext& context, int64_t seq);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_TABLES_TASKS_H_
