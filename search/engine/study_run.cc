#include "search/engine/study_run.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace frostnas::search {
namespace {

// A change that was made before the signal was read is seen at the latest after
// this long.
constexpr absl::Duration kLookAgain = absl::Milliseconds(500);

bool Open(db::TaskState state) {
  return state == db::TaskState::kRunnable || state == db::TaskState::kLeased;
}

// 0..1 of the task.
double ShareDone(const db::TaskRecord& record) {
  if (record.state == db::TaskState::kLeased) return record.progress;
  return Open(record.state) ? 0 : 1;
}

}  // namespace

absl::Status StudyRun::EnterPhase(const std::string& phase, double overall) {
  return store.UpdateStudy(study_id, {.phase = phase, .progress = overall})
      .status();
}

absl::StatusOr<std::vector<db::TaskRecord>> RunTasks(
    StudyRun& run, StudyProgress progress,
    const std::vector<db::NewTask>& tasks) {
  RETURN_IF_ERROR(run.stop.Check());
  ASSIGN_OR_RETURN(const std::vector<v1::Task> made,
                   run.store.CreateTasks(run.study_id, tasks));
  // Wakes the wait below at once when a stop is requested.
  StopCallback wake(run.stop, [&run] { run.store.events_changed().Notify(); });
  while (true) {
    const uint64_t seen = run.store.events_changed().count();
    RETURN_IF_ERROR(run.stop.Check());
    std::vector<db::TaskRecord> records;
    size_t ended = 0;
    double done = 0;
    for (const v1::Task& task : made) {
      ASSIGN_OR_RETURN(db::TaskRecord record, run.store.GetTask(task.id()));
      if (!Open(record.state)) ++ended;
      done += ShareDone(record);
      records.push_back(std::move(record));
    }
    progress.fraction = made.empty() ? 1.0 : done / made.size();
    progress.note = absl::StrCat(ended, "/", made.size(), " tasks");
    run.on_progress(progress);
    if (ended == made.size()) return records;
    run.store.events_changed().Wait(seen, kLookAgain);
  }
}

absl::StatusOr<v1::TaskResult> ResultOf(const db::TaskRecord& task) {
  if (task.state == db::TaskState::kDone && task.result.has_value()) {
    return *task.result;
  }
  if (task.state == db::TaskState::kCancelled) {
    return absl::CancelledError(absl::StrCat("task ", task.key, " cancelled"));
  }
  // One line an attempt; the last one says where it stands now.
  const std::vector<absl::string_view> attempts =
      absl::StrSplit(task.error, '\n');
  return absl::UnavailableError(
      absl::StrCat("task ", task.key, " failed: ", attempts.back()));
}

}  // namespace frostnas::search
