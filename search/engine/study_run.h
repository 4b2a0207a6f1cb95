// One study being run: what every phase of the engine shares.
//
// Thread-compatible, but for the stop token, which may be requested anywhere.
#ifndef FROSTNAS_SEARCH_ENGINE_STUDY_RUN_H_
#define FROSTNAS_SEARCH_ENGINE_STUDY_RUN_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/stop.h"
#include "db/blob_store.h"
#include "db/store.h"
#include "proto/frostnas/v1/study.pb.h"

namespace frostnas::search {

// Where a study stands, for people.
struct StudyProgress {
  std::string phase;    // "profile", "supernet", "trials", "final"
  std::string part;     // of a phase that has several: "operators of host"
  double fraction = 0;  // of the phase or part, 0..1
  std::string note;
};

struct StudyRun {
  db::Store& store;
  db::BlobStore& blobs;
  const std::string study_id;
  const v1::StudySpec spec;
  // Ctrl-C, a cancelled study, or the end of the program.
  const StopToken stop;
  std::function<void(const StudyProgress&)> on_progress;

  // Stores the phase and the study's overall progress.
  absl::Status EnterPhase(const std::string& phase, double overall);
};

// Makes the tasks (those that exist stay) and waits until none of them is
// open. Progress, whose phase and part are those of `progress`, counts ended
// tasks, and of running ones what their workers say. The result is in the order
// of `tasks`; the caller looks at each one's state. CANCELLED: stopped.
absl::StatusOr<std::vector<db::TaskRecord>> RunTasks(
    StudyRun& run, StudyProgress progress,
    const std::vector<db::NewTask>& tasks);

// The task's result. UNAVAILABLE: it failed, with the last attempt's error.
// CANCELLED: it was cancelled.
absl::StatusOr<v1::TaskResult> ResultOf(const db::TaskRecord& task);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_ENGINE_STUDY_RUN_H_
