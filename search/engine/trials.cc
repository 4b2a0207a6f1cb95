#include "search/engine/trials.h"

#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "arch/cost.h"
#include "arch/digest.h"
#include "arch/graph.h"
#include "base/log.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "latency/predict/predictor.h"
#include "quant/package.h"
#include "quant/qat_train.h"
#include "search/engine/front.h"
#include "search/engine/profile.h"
#include "search/pareto.h"

namespace frostnas::search {
namespace {

// A controller that is killed ends an attempt of its embedded worker; a study
// should outlive many of those.
constexpr int kMaxAttempts = 10;
constexpr int kMaxTrials = 1000;

absl::StatusOr<v1::Trial> MakeTrial(StudyRun& run, Proposal proposal) {
  v1::Trial trial;
  *trial.mutable_architecture() = proposal.weights.architecture();
  ASSIGN_OR_RETURN(const arch::Graph graph,
                   arch::ExpandArchitecture(trial.architecture()));
  const arch::Cost cost = arch::GraphCost(graph);
  trial.set_arch_sha256(arch::GraphDigest(graph));
  *trial.mutable_choice() = std::move(proposal.choice);
  trial.set_state(v1::TRIAL_STATE_WAITING);
  trial.set_params(cost.params);
  trial.set_macs(cost.macs);
  trial.set_package_bytes(cost.package_bytes);
  trial.set_float_top1(-1);
  trial.set_fake_quant_top1(-1);
  trial.set_int8_top1(-1);
  trial.set_origin(std::move(proposal.origin));
  ASSIGN_OR_RETURN(
      const std::string digest,
      run.blobs.Put(quant::SerializeFloatNetwork(proposal.weights)));
  trial.set_weights_sha256(digest);
  return trial;
}

std::string AccuracyKeys(const TrialRound& round) {
  return absl::StrCat(round.phase, "/accuracy/");
}

// Weights a round starts from. Once the round's own task is made they must not
// change under it: CreateTasks keeps the task that exists.
db::NewTask AccuracyTask(const StudyRun& run, const TrialRound& round,
                         const v1::Trial& trial) {
  db::NewTask made;
  made.key = absl::StrCat(AccuracyKeys(round), trial.id());
  made.task.set_trial_id(trial.id());
  made.task.set_max_attempts(kMaxAttempts);
  v1::AccuracyWork& work = *made.task.mutable_accuracy();
  *work.mutable_architecture() = trial.architecture();
  *work.mutable_dataset() = run.spec.dataset();
  work.set_weights_sha256(trial.weights_sha256());
  work.set_epochs(quant::QatEpochsOf(round.epochs));
  work.set_float_epochs(round.epochs - work.epochs());
  work.set_batch(run.spec.budget().batch());
  work.set_learning_rate(round.learning_rate * run.spec.budget().batch() / 64);
  work.set_seed(Random(run.spec.seed())
                    .Split(round.phase)
                    .Split(trial.arch_sha256())
                    .NextUint64());
  work.set_threads(run.spec.threads());
  work.set_gradboost(true);
  return made;
}

absl::StatusOr<latency::Prediction> Predicted(
    const latency::Predictor& predictor, const v1::Trial& trial) {
  ASSIGN_OR_RETURN(const arch::Graph graph,
                   arch::ExpandArchitecture(trial.architecture()));
  return predictor.Predict(graph);
}

absl::StatusOr<db::NewTask> LatencyTask(const StudyRun& run,
                                        const TrialRound& round,
                                        const latency::LatencyTable& table,
                                        const latency::Predictor& predictor,
                                        const v1::Trial& trial) {
  const std::string& device = table.device().id();
  db::NewTask made;
  made.key = absl::StrCat(round.phase, "/latency/", trial.id(), "/", device);
  made.task.set_trial_id(trial.id());
  made.task.set_max_attempts(kMaxAttempts);
  v1::LatencyWork& work = *made.task.mutable_latency();
  work.set_device_id(device);
  work.set_package_sha256(trial.package_sha256());
  work.set_threads(kLatencyThreads);
  work.set_batch(kLatencyBatch);
  work.set_effort(EffortOf(run.spec.budget()));
  *work.mutable_full_speeds() = table.full_speeds();
  const bool last =
      round.finalists > 0 || run.spec.budget().final_epochs() == 0;
  if (last) work.set_sustained_s(run.spec.sustained_s());
  ASSIGN_OR_RETURN(const latency::Prediction predicted,
                   Predicted(predictor, trial));
  work.set_predicted_ns(std::llround(predicted.ns));
  return made;
}

absl::StatusOr<v1::Measurement> LookUp(const std::string& device,
                                       const latency::LatencyTable& table,
                                       const latency::Predictor& predictor,
                                       const v1::Trial& trial) {
  ASSIGN_OR_RETURN(const latency::Prediction predicted,
                   Predicted(predictor, trial));
  const int64_t ns = std::llround(predicted.ns);
  v1::Measurement measurement;
  measurement.set_device_id(device);
  measurement.set_device_fingerprint(table.device().fingerprint());
  measurement.set_median_ns(ns);
  measurement.set_p90_ns(ns);
  measurement.set_ci_low_ns(std::llround(predicted.low_ns));
  measurement.set_ci_high_ns(std::llround(predicted.high_ns));
  measurement.set_predicted_ns(ns);
  measurement.set_threads(table.threads());
  measurement.set_batch(table.batch());
  measurement.set_core(-1);
  measurement.set_verdict(v1::MEASUREMENT_VERDICT_LOOKED_UP);
  return measurement;
}

bool IsTable(const std::string& device) {
  return absl::StartsWith(device, "table:");
}

// Why trials of a round are not measured.
struct TrialErrors {
  std::set<int> trials;
  std::vector<std::string> messages;

  // Does nothing when the task has its result.
  void Note(const db::TaskRecord& task) {
    const absl::Status status = ResultOf(task).status();
    if (status.ok()) return;
    trials.insert(task.task.trial_id());
    messages.push_back(std::string(status.message()));
  }
};

// Latency of the trials on all devices: measured by workers, or looked up.
absl::Status MeasureTrials(StudyRun& run, const TrialRound& round,
                           absl::Span<const latency::LatencyTable> tables,
                           const std::vector<v1::Trial>& trials,
                           TrialErrors& errors) {
  std::vector<latency::Predictor> predictors;
  for (const latency::LatencyTable& table : tables) {
    ASSIGN_OR_RETURN(latency::Predictor predictor,
                     latency::Predictor::Create(table));
    predictors.push_back(std::move(predictor));
  }
  std::vector<db::NewTask> tasks;
  db::StudyStep looked_up;
  for (const v1::Trial& trial : trials) {
    db::TrialUpdate update{.trial_id = trial.id()};
    for (int d = 0; d < run.spec.devices_size(); ++d) {
      const std::string& device = run.spec.devices(d);
      if (IsTable(device)) {
        ASSIGN_OR_RETURN(v1::Measurement measurement,
                         LookUp(device, tables[d], predictors[d], trial));
        update.latency.push_back(std::move(measurement));
        continue;
      }
      ASSIGN_OR_RETURN(db::NewTask task, LatencyTask(run, round, tables[d],
                                                     predictors[d], trial));
      tasks.push_back(std::move(task));
    }
    if (update.latency.empty()) continue;
    if (update.latency.size() == run.spec.devices_size()) {
      update.state = v1::TRIAL_STATE_MEASURED;
    }
    looked_up.trial_updates.push_back(std::move(update));
  }
  RETURN_IF_ERROR(run.store.CommitStep(run.study_id, looked_up).status());
  if (tasks.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      const std::vector<db::TaskRecord> records,
      RunTasks(run, {.phase = round.phase, .part = "latency"}, tasks));
  for (const db::TaskRecord& record : records) {
    errors.Note(record);
  }
  return absl::OkStatus();
}

// Those whose tasks exist when the round was interrupted: by then some of them
// may have their new accuracy.
absl::StatusOr<std::vector<int>> Finalists(StudyRun& run,
                                           const TrialRound& round) {
  std::vector<int> ids;
  ASSIGN_OR_RETURN(const std::vector<db::TaskRecord> tasks,
                   run.store.ListTasks(run.study_id));
  for (const db::TaskRecord& task : tasks) {
    if (absl::StartsWith(task.key, AccuracyKeys(round))) {
      ids.push_back(task.task.trial_id());
    }
  }
  if (!ids.empty()) return ids;
  std::set<int> best;
  for (const std::string& device : run.spec.devices()) {
    ASSIGN_OR_RETURN(const std::vector<ObjectivePoint> admitted,
                     MeasuredPoints(run, device));
    for (const ObjectivePoint& point :
         MostAccurateOfBands(admitted, round.finalists)) {
      best.insert(point.id);
    }
  }
  return std::vector<int>(best.begin(), best.end());
}

absl::StatusOr<std::vector<v1::Trial>> RoundTrials(StudyRun& run,
                                                   const TrialRound& round) {
  std::vector<v1::Trial> trials;
  if (round.finalists > 0) {
    ASSIGN_OR_RETURN(const std::vector<int> ids, Finalists(run, round));
    for (const int id : ids) {
      ASSIGN_OR_RETURN(trials.emplace_back(),
                       run.store.GetTrial(run.study_id, id));
    }
    return trials;
  }
  ASSIGN_OR_RETURN(db::Page<v1::Trial> page,
                   run.store.ListTrials(run.study_id, {.size = kMaxTrials}));
  std::erase_if(page.items, [](const v1::Trial& trial) {
    return trial.state() != v1::TRIAL_STATE_WAITING &&
           trial.state() != v1::TRIAL_STATE_MEASURED;
  });
  return std::move(page.items);
}

}  // namespace

absl::Status CreateTrials(StudyRun& run, std::vector<Proposal> proposals) {
  std::vector<v1::Trial> trials;
  for (Proposal& proposal : proposals) {
    ASSIGN_OR_RETURN(v1::Trial trial, MakeTrial(run, std::move(proposal)));
    trials.push_back(std::move(trial));
  }
  return run.store.CreateTrials(run.study_id, trials).status();
}

absl::Status RunTrialRound(StudyRun& run, const TrialRound& round,
                           absl::Span<const latency::LatencyTable> tables) {
  ASSIGN_OR_RETURN(const std::vector<v1::Trial> trials,
                   RoundTrials(run, round));
  std::vector<db::NewTask> tasks;
  for (const v1::Trial& trial : trials) {
    tasks.push_back(AccuracyTask(run, round, trial));
  }
  // All training ends before the first measurement, so that a machine that
  // does both does not disturb itself.
  ASSIGN_OR_RETURN(
      const std::vector<db::TaskRecord> records,
      RunTasks(run, {.phase = round.phase, .part = "training"}, tasks));
  std::vector<v1::Trial> trained;
  TrialErrors errors;
  for (const db::TaskRecord& record : records) {
    errors.Note(record);
    if (!ResultOf(record).ok()) continue;
    ASSIGN_OR_RETURN(v1::Trial trial,
                     run.store.GetTrial(run.study_id, record.task.trial_id()));
    trained.push_back(std::move(trial));
  }
  RETURN_IF_ERROR(MeasureTrials(run, round, tables, trained, errors));
  for (const std::string& error : errors.messages) LOG(WARNING) << error;
  if (errors.trials.size() < trials.size()) return absl::OkStatus();
  if (errors.messages.empty()) return absl::UnavailableError("no trials");
  return absl::UnavailableError(absl::StrCat(
      "no trial could be measured; the first error: ", errors.messages[0]));
}

}  // namespace frostnas::search
