#include "search/engine/engine.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "nn/data/dataset.h"
#include "nn/threads.h"
#include "quant/qat_train.h"
#include "search/engine/front.h"
#include "search/engine/profile.h"
#include "search/engine/trials.h"

namespace frostnas::search {
namespace {

// Peak rate. A trial's one or two epochs must not lead its inherited weights
// astray, or the trials that change most are ranked last; the final epochs are
// a training of their own, at its rate.
constexpr double kTrialLearningRate = 0.004;
// Trials that are trained to the end. After an epoch or two networks of all
// sizes are about as accurate, so speed says more about which are worth it.
constexpr int kFinalists = 6;

constexpr absl::Duration kCancelPoll = absl::Milliseconds(300);

// Requests a stop when a user cancels the study.
class CancelWatch {
 public:
  CancelWatch(db::Store& store, const std::string& study_id,
              const StopToken& stop)
      : study_stop_(stop), thread_([this, &store, study_id] {
          while (!end_.token().WaitFor(kCancelPoll)) {
            const auto cancelled = store.IsCancelRequested(study_id);
            if (cancelled.ok() && *cancelled) return study_stop_.RequestStop();
          }
        }) {}
  ~CancelWatch() {
    end_.RequestStop();
    thread_.join();
  }

  StopToken token() const { return study_stop_.token(); }

 private:
  StopSource end_;
  StopSource study_stop_;
  std::thread thread_;
};

constexpr char kTrialsPhase[] = "trials";
constexpr char kFinalPhase[] = "final";

// Where overall progress stands when a phase begins; by the time phases take in
// the presets.
constexpr double kSupernetAt = 0.1;
constexpr double kTrialsAt = 0.5;
constexpr double kFinalAt = 0.85;

absl::Status SaveSearch(StudyRun& run, SearchPhase& search,
                        const v1::SearchEpoch& epoch) {
  ASSIGN_OR_RETURN(const std::string digest, run.blobs.Put(search.SaveState()));
  db::StudyStep step;
  step.checkpoint = db::Checkpoint{.state = digest, .blob_sha256 = {digest}};
  v1::StudyEvent event;
  *event.mutable_epoch() = epoch;
  step.events.push_back(std::move(event));
  step.update.progress =
      kSupernetAt +
      (kTrialsAt - kSupernetAt) * (static_cast<double>(search.epochs_done()) /
                                   std::max(1, search.epochs()));
  return run.store.CommitStep(run.study_id, step).status();
}

absl::Status RestoreSearch(StudyRun& run, SearchPhase& search) {
  ASSIGN_OR_RETURN(const std::optional<db::Checkpoint> checkpoint,
                   run.store.GetCheckpoint(run.study_id));
  if (!checkpoint.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string state, run.blobs.Get(checkpoint->state));
  RETURN_IF_ERROR(search.LoadState(state));
  LOG(INFO) << "study " << run.study_id << " resumes after epoch "
            << search.epochs_done();
  return absl::OkStatus();
}

absl::Status TrainSupernet(StudyRun& run, SearchPhase& search) {
  RETURN_IF_ERROR(run.EnterPhase("supernet", kSupernetAt));
  RETURN_IF_ERROR(RestoreSearch(run, search));
  while (search.epochs_done() < search.epochs()) {
    const int epoch = search.epochs_done() + 1;
    const std::string note =
        absl::StrCat("epoch ", epoch, "/", search.epochs());
    ASSIGN_OR_RETURN(
        const v1::SearchEpoch done,
        search.RunEpoch(run.stop, [&](double fraction) {
          run.on_progress({.phase = "supernet",
                           .fraction = (epoch - 1 + fraction) / search.epochs(),
                           .note = note});
        }));
    RETURN_IF_ERROR(SaveSearch(run, search, done));
  }
  run.on_progress({.phase = "supernet",
                   .fraction = 1,
                   .note = absl::StrCat(search.epochs(), " epochs")});
  return absl::OkStatus();
}

absl::StatusOr<bool> HasTrials(StudyRun& run) {
  ASSIGN_OR_RETURN(const db::Page<v1::Trial> page,
                   run.store.ListTrials(run.study_id, {.size = 1}));
  return !page.items.empty();
}

// Up to the trials' creation: what needs the data set in this process.
absl::Status Search(StudyRun& run, const EngineOptions& options,
                    const std::vector<latency::LatencyTable>& tables) {
  const nn::ScopedComputeThreads threads(run.spec.threads());
  run.on_progress({.phase = "supernet", .note = "loading data"});
  ASSIGN_OR_RETURN(const auto dataset, nn::LoadDataset(run.spec.dataset()));
  RETURN_IF_ERROR(
      run.store.UpdateStudy(run.study_id, {.dataset = dataset->info}).status());
  ASSIGN_OR_RETURN(
      const std::unique_ptr<SearchPhase> search,
      options.make_search(
          {.spec = run.spec, .dataset = *dataset, .tables = tables}));
  RETURN_IF_ERROR(TrainSupernet(run, *search));
  const auto show = [&run](double fraction) {
    run.on_progress({.phase = "derive", .fraction = fraction});
  };
  ASSIGN_OR_RETURN(std::vector<Proposal> proposals,
                   search->Propose(run.spec.budget().trials(), run.stop, show));
  show(1);
  return CreateTrials(run, std::move(proposals));
}

// Proposals become trials, trained and measured.
absl::Status EvaluateTrials(StudyRun& run, const EngineOptions& options,
                            const std::vector<latency::LatencyTable>& tables) {
  ASSIGN_OR_RETURN(const bool has_trials, HasTrials(run));
  if (!has_trials) RETURN_IF_ERROR(Search(run, options, tables));
  RETURN_IF_ERROR(run.EnterPhase(kTrialsPhase, kTrialsAt));
  return RunTrialRound(run,
                       {.phase = kTrialsPhase,
                        .epochs = run.spec.budget().trial_epochs(),
                        .learning_rate = kTrialLearningRate},
                       tables);
}

// `phase` is where the study was left. The first front is selected in the
// commit that enters the final phase and the last in the one that ends the
// study: whenever a study was interrupted, its front is one of the two.
absl::Status RunPhases(StudyRun& run, const EngineOptions& options,
                       const std::string& phase) {
  const db::StudyUpdate succeeded{.state = v1::STUDY_STATE_SUCCEEDED,
                                  .progress = 1.0};
  const int final_epochs = run.spec.budget().final_epochs();
  const bool in_final = phase == kFinalPhase;
  if (!in_final) RETURN_IF_ERROR(run.EnterPhase("profile", 0));
  ASSIGN_OR_RETURN(const std::vector<latency::LatencyTable> tables,
                   PrepareTables(run));
  if (!in_final) {
    RETURN_IF_ERROR(EvaluateTrials(run, options, tables));
    if (final_epochs == 0) return SelectFront(run, succeeded);
    RETURN_IF_ERROR(
        SelectFront(run, {.phase = kFinalPhase, .progress = kFinalAt}));
  }
  RETURN_IF_ERROR(
      RunTrialRound(run,
                    {.phase = kFinalPhase,
                     .epochs = final_epochs,
                     .learning_rate = quant::QatTrainOptions().learning_rate,
                     .finalists = kFinalists},
                    tables));
  return SelectFront(run, succeeded);
}

// Stores how the study ended, where it did.
absl::Status Conclude(StudyRun& run, const absl::Status& status) {
  if (status.ok()) return status;
  ASSIGN_OR_RETURN(const bool cancelled,
                   run.store.IsCancelRequested(run.study_id));
  if (cancelled) {
    RETURN_IF_ERROR(
        run.store
            .UpdateStudy(run.study_id, {.state = v1::STUDY_STATE_CANCELLED})
            .status());
    return absl::CancelledError(
        absl::StrCat("study ", run.study_id, " was cancelled"));
  }
  if (absl::IsCancelled(status)) return status;
  RETURN_IF_ERROR(
      run.store
          .UpdateStudy(run.study_id, {.state = v1::STUDY_STATE_FAILED,
                                      .error = std::string(status.message())})
          .status());
  return status;
}

}  // namespace

absl::Status RunStudy(const std::string& study_id, db::Store& store,
                      db::BlobStore& blobs, const EngineOptions& options,
                      const StopToken& stop) {
  ASSIGN_OR_RETURN(const v1::Study study, store.GetStudy(study_id));
  if (study.state() == v1::STUDY_STATE_SUCCEEDED) return absl::OkStatus();
  RETURN_IF_ERROR(store
                      .UpdateStudy(study_id, {.state = v1::STUDY_STATE_RUNNING,
                                              .error = ""})
                      .status());
  CancelWatch watch(store, study_id, stop);
  StudyRun run{.store = store,
               .blobs = blobs,
               .study_id = study_id,
               .spec = study.spec(),
               .stop = watch.token(),
               .on_progress = options.on_progress};
  return Conclude(run, RunPhases(run, options, study.phase()));
}

}  // namespace frostnas::search
