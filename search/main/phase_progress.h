// One progress bar a phase of a study (base/progress.h).
//
// Thread-compatible.
#ifndef FROSTNAS_SEARCH_MAIN_PHASE_PROGRESS_H_
#define FROSTNAS_SEARCH_MAIN_PHASE_PROGRESS_H_

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/progress.h"
#include "search/engine/study_run.h"

namespace frostnas::search {

class PhaseProgress {
 public:
  // Both must outlive it.
  PhaseProgress(Clock& clock, ProgressOutput& output)
      : clock_(clock), output_(output) {}

  // Starts a new bar when the phase or its part is another one.
  void Show(const StudyProgress& progress);
  void Finish();

 private:
  Clock& clock_;
  ProgressOutput& output_;
  std::string title_;
  int shown_permille_ = 0;
  std::unique_ptr<Progress> bar_;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_MAIN_PHASE_PROGRESS_H_
