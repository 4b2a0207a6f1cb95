// Start here: runs one study from its spec to a front.
//
//   profile -> supernet -> trials -> final -> succeeded
//
// What has been done is in the store after every step: tasks by their keys, the
// supernet by its checkpoint. RunStudy on a study that was interrupted, or
// whose process was killed, goes on from there and ends with the same trials
// and accuracies.
#ifndef FROSTNAS_SEARCH_ENGINE_ENGINE_H_
#define FROSTNAS_SEARCH_ENGINE_ENGINE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "base/stop.h"
#include "db/blob_store.h"
#include "db/store.h"
#include "search/engine/search_phase.h"
#include "search/engine/study_run.h"

namespace frostnas::search {

struct EngineOptions {
  SearchPhaseFactory make_search;
  // Called often, from the thread of RunStudy.
  std::function<void(const StudyProgress&)> on_progress;
};

// OK: the study SUCCEEDED and has a front. CANCELLED: `stop` was requested (the
// study stays RUNNING, to be resumed) or a user cancelled it (it is CANCELLED).
// Any other error is stored and the study FAILED. A study that has SUCCEEDED
// already is OK at once; FAILED ones are tried again.
absl::Status RunStudy(const std::string& study_id, db::Store& store,
                      db::BlobStore& blobs, const EngineOptions& options,
                      const StopToken& stop);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_ENGINE_ENGINE_H_
