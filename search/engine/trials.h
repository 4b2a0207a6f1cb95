// The trials and final phases: proposals become trials, workers train and
// measure them.
#ifndef FROSTNAS_SEARCH_ENGINE_TRIALS_H_
#define FROSTNAS_SEARCH_ENGINE_TRIALS_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "latency/latency_table.h"
#include "search/engine/search_phase.h"
#include "search/engine/study_run.h"

namespace frostnas::search {

// Stores the proposals as trials, weights as blobs. Proposals of one digest
// become one trial.
absl::Status CreateTrials(StudyRun& run, std::vector<Proposal> proposals);

// One round of work on some of the study's trials.
struct TrialRound {
  std::string phase;  // "trials", "final"; part of the tasks' keys
  // Of each trial; the last ones quantization-aware (quant::QatEpochsOf).
  int epochs = 0;
  // Peak rate at batch 64; it scales with the batch.
  double learning_rate = 0;
  // 0: all trials; else the most accurate of so many latency bands among those
  // that meet the limits (search/pareto.h), as they stood when the round began.
  int finalists = 0;
};

// Trains and measures the round's trials on every device. A trial whose
// network cannot be trained or run becomes INFEASIBLE by its worker's word; a
// trial whose tasks failed by machines' faults keeps what it has.
// UNAVAILABLE: no trial of the round could be measured, with the first error.
absl::Status RunTrialRound(StudyRun& run, const TrialRound& round,
                           absl::Span<const latency::LatencyTable> tables);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_ENGINE_TRIALS_H_
