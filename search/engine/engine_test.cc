#include "search/engine/engine.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/status_matchers.h"
#include "db/memory_blob_store.h"
#include "db/memory_store.h"
#include "search/pareto.h"
#include "search/testing/fake_search.h"
#include "search/testing/mortal_store.h"
#include "search/testing/scripted_worker.h"
#include "search/testing/tiny_study.h"

namespace frostnas::search {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::StatusCode kUnavailable = absl::StatusCode::kUnavailable;

// One machine: what is on its disk, and the processes that run on it.
class Machine {
 public:
  explicit Machine(const v1::StudySpec& spec)
      : disk_(db::NewMemoryStore(&RealClock())),
        blobs_(db::NewMemoryBlobStore(&RealClock())) {
    study_id_ = NewStudy(spec);
  }

  std::string NewStudy(const v1::StudySpec& spec) {
    const auto study =
        disk_->CreateStudy(absl::StrCat("request-", ++requests_), spec);
    EXPECT_OK(study);
    return study.ok() ? study->id() : "";
  }

  // One process that lives for `writes` writes (nullopt: to the end) and runs
  // the study with a worker.
  absl::Status Live(std::optional<int> writes = std::nullopt) {
    MortalStore store(disk_.get(), writes);
    absl::Status status;
    phases_.clear();
    last_fraction_ = 1;
    {
      ScriptedWorker worker(&store, "embedded",
                            [this](const v1::Task& task) { return Do(task); });
      status = RunStudy(
          study_id_, store, *blobs_,
          {.make_search = MakeFakeSearch,
           .on_progress = [this](const StudyProgress& p) { NotePhase(p); }},
          stop_.token());
    }
    died_ = store.dead();
    return status;
  }

  // Replaces what the worker does; default: ArithmeticResult.
  void set_script(ScriptedWorker::Script script) {
    script_ = std::move(script);
  }
  absl::StatusOr<v1::TaskResult> Arithmetic(const v1::Task& task) {
    return ArithmeticResult(task, *blobs_);
  }

  db::Store& store() { return *disk_; }
  StopSource& stop() { return stop_; }
  bool died() const { return died_; }
  void set_study(const std::string& id) { study_id_ = id; }
  // Of the last life.
  const std::vector<std::string>& phases() const { return phases_; }

  v1::Study Study() { return disk_->GetStudy(study_id_).value(); }
  std::vector<v1::Trial> Trials() {
    return disk_->ListTrials(study_id_, {.size = 1000})->items;
  }
  std::vector<db::TaskRecord> Tasks() {
    return disk_->ListTasks(study_id_).value();
  }

  // Everything that must repeat, as text.
  std::string Outcome() {
    std::string text = absl::StrCat(v1::StudyState_Name(Study().state()), " ",
                                    Study().hypervolume(), "\n");
    for (const v1::Trial& trial : Trials()) {
      absl::StrAppend(&text, trial.ShortDebugString(), "\n");
    }
    return text;
  }

 private:
  absl::StatusOr<v1::TaskResult> Do(const v1::Task& task) {
    return script_ ? script_(task) : Arithmetic(task);
  }
  void NotePhase(const StudyProgress& progress) {
    EXPECT_GE(progress.fraction, 0);
    EXPECT_LE(progress.fraction, 1);
    if (phases_.empty() || phases_.back() != progress.phase) {
      EXPECT_EQ(last_fraction_, 1) << testing::PrintToString(phases_);
      phases_.push_back(progress.phase);
    }
    last_fraction_ = progress.fraction;
  }

  std::unique_ptr<db::Store> disk_;
  std::unique_ptr<db::BlobStore> blobs_;
  ScriptedWorker::Script script_;
  StopSource stop_;
  std::string study_id_;
  int requests_ = 0;
  bool died_ = false;
  std::vector<std::string> phases_;
  double last_fraction_ = 1;  // of phases_.back()
};

int64_t LatencyNs(const v1::Trial& trial, const std::string& device = "host") {
  for (const v1::Measurement& latency : trial.latency()) {
    if (latency.device_id() == device) return latency.median_ns();
  }
  return -1;
}

bool Dominates(const v1::Trial& a, const v1::Trial& b) {
  return a.int8_top1() >= b.int8_top1() && LatencyNs(a) <= LatencyNs(b) &&
         (a.int8_top1() > b.int8_top1() || LatencyNs(a) < LatencyNs(b));
}

// The definition of the front, over trials no slower than `limit_ns`.
void ExpectFrontIsRight(const std::vector<v1::Trial>& trials,
                        int64_t limit_ns) {
  for (const v1::Trial& trial : trials) {
    bool dominated = LatencyNs(trial) > limit_ns;
    for (const v1::Trial& other : trials) {
      dominated |= LatencyNs(other) <= limit_ns && Dominates(other, trial);
    }
    EXPECT_EQ(trial.on_front(), !dominated) << trial.ShortDebugString();
  }
}

std::string WriteTable(const latency::LatencyTable& table,
                       const std::string& name) {
  const std::string path = JoinPath(::testing::TempDir(), name);
  EXPECT_OK(table.Save(path));
  return path;
}

std::set<std::string> KeysWithPrefix(const std::vector<db::TaskRecord>& tasks,
                                     const std::string& prefix) {
  std::set<std::string> keys;
  for (const db::TaskRecord& task : tasks) {
    if (absl::StartsWith(task.key, prefix)) keys.insert(task.key);
  }
  return keys;
}

TEST(RunStudyTest, GoesThroughAllPhasesToAFrontOfMeasuredValues) {
  Machine machine(TinySpec());
  ASSERT_OK(machine.Live());
  EXPECT_EQ(machine.Study().state(), v1::STUDY_STATE_SUCCEEDED);
  EXPECT_EQ(machine.Study().progress(), 1);
  EXPECT_GT(machine.Study().hypervolume(), 0);
  EXPECT_GT(machine.Study().dataset().train(), 0);
  EXPECT_THAT(machine.phases(),
              ElementsAre("profile", "supernet", "derive", "trials", "final"));
  ASSERT_EQ(machine.Trials().size(), 4);
  for (const v1::Trial& trial : machine.Trials()) {
    EXPECT_EQ(trial.state(), v1::TRIAL_STATE_MEASURED);
    EXPECT_GT(trial.latency(0).predicted_ns(), 0);
  }
  ExpectFrontIsRight(machine.Trials(), INT64_MAX);
}

TEST(RunStudyTest, TheBestTrialOfEachLatencyBandIsTrainedToTheEnd) {
  v1::StudySpec spec = TinySpec();
  spec.mutable_budget()->set_trials(8);
  Machine machine(spec);
  ASSERT_OK(machine.Live());
  std::map<int, ObjectivePoint> first_round;
  for (const db::TaskRecord& task : machine.Tasks()) {
    if (!absl::StartsWith(task.key, "trials/")) continue;
    ObjectivePoint& point = first_round[task.task.trial_id()];
    point.id = task.task.trial_id();
    if (task.result->has_latency()) {
      point.latency_ns = task.result->latency().measurement().median_ns();
    } else {
      point.accuracy = task.result->accuracy().int8_top1();
    }
  }
  ASSERT_EQ(first_round.size(), 8);
  std::vector<ObjectivePoint> points;
  for (const auto& [id, point] : first_round) points.push_back(point);
  std::set<std::string> expected;
  for (const ObjectivePoint& point : MostAccurateOfBands(points, 6)) {
    expected.insert(absl::StrCat("final/accuracy/", point.id));
  }
  EXPECT_EQ(KeysWithPrefix(machine.Tasks(), "final/accuracy/"), expected);
  EXPECT_EQ(KeysWithPrefix(machine.Tasks(), "final/latency/").size(), 6);
}

TEST(RunStudyTest, WithoutFinalEpochsTheFirstFrontIsTheLast) {
  v1::StudySpec spec = TinySpec();
  spec.mutable_budget()->set_final_epochs(0);
  Machine machine(spec);
  ASSERT_OK(machine.Live());
  EXPECT_EQ(machine.Study().state(), v1::STUDY_STATE_SUCCEEDED);
  EXPECT_TRUE(KeysWithPrefix(machine.Tasks(), "final/").empty());
  ExpectFrontIsRight(machine.Trials(), INT64_MAX);
}

TEST(RunStudyTest, ASucceededStudyIsLeftAlone) {
  Machine machine(TinySpec());
  ASSERT_OK(machine.Live());
  const std::string before = machine.Outcome();
  // The worker signs in; a second write would end this process.
  EXPECT_OK(machine.Live(/*writes=*/2));
  EXPECT_EQ(machine.Outcome(), before);
}

TEST(RunStudyTest, TrialsOverALimitAreNotOnTheFront) {
  v1::StudySpec spec = TinySpec();
  spec.mutable_budget()->set_final_epochs(0);
  Machine free(spec);
  ASSERT_OK(free.Live());
  std::set<int64_t> latencies;
  for (const v1::Trial& trial : free.Trials()) {
    latencies.insert(LatencyNs(trial));
  }
  const int64_t limit_ns = *std::next(latencies.begin());
  spec.add_latency_limits()->set_device_id("host");
  spec.mutable_latency_limits(0)->set_limit_ns(limit_ns);
  Machine limited(spec);
  ASSERT_OK(limited.Live());
  ExpectFrontIsRight(limited.Trials(), limit_ns);
}

TEST(RunStudyTest, ALimitThatNothingMeetsFailsTheStudyAndNamesIt) {
  v1::StudySpec spec = TinySpec({"host", "adb:1"});
  spec.add_latency_limits()->set_device_id("adb:1");
  spec.mutable_latency_limits(0)->set_limit_ns(1000);
  Machine machine(spec);
  EXPECT_THAT(machine.Live(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("--latency_limit_ms"),
                             HasSubstr("0.001 ms on adb:1"),
                             HasSubstr("the fastest takes 1."))));
  EXPECT_EQ(machine.Study().state(), v1::STUDY_STATE_FAILED);
  EXPECT_THAT(machine.Study().error(), HasSubstr("--latency_limit_ms"));
  EXPECT_TRUE(machine.store().ListFront(machine.Study().id())->empty());
}

TEST(RunStudyTest, LatencyOfATableDeviceIsLookedUpAndSaysSo) {
  const std::string path = WriteTable(TinyTable(), "complete.textproto");
  Machine machine(TinySpec({absl::StrCat("table:", path)}));
  ASSERT_OK(machine.Live());
  EXPECT_TRUE(KeysWithPrefix(machine.Tasks(), "profile").empty());
  for (const db::TaskRecord& task : machine.Tasks()) {
    EXPECT_TRUE(task.task.has_accuracy()) << task.key;
  }
  for (const v1::Trial& trial : machine.Trials()) {
    EXPECT_EQ(trial.state(), v1::TRIAL_STATE_MEASURED);
    ASSERT_EQ(trial.latency_size(), 1);
    EXPECT_EQ(trial.latency(0).verdict(), v1::MEASUREMENT_VERDICT_LOOKED_UP);
    EXPECT_EQ(trial.latency(0).median_ns(), trial.latency(0).predicted_ns());
    EXPECT_EQ(trial.latency(0).samples(), 0);
  }
}

TEST(RunStudyTest, ATableThatLacksOperatorsIsNamedWithTheFirstOfThem) {
  const std::string path = WriteTable(
      latency::LatencyTable(TinyDevice("host"), 1, 1), "empty.textproto");
  Machine machine(TinySpec({absl::StrCat("table:", path)}));
  EXPECT_THAT(machine.Live(),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr(path), HasSubstr("operators of space"),
                             HasSubstr("conv size=8"))));
  EXPECT_EQ(machine.Study().state(), v1::STUDY_STATE_FAILED);
}

TEST(RunStudyTest, ATrialThatCannotBeTrainedIsInfeasibleAndTheOthersGoOn) {
  Machine machine(TinySpec());
  machine.set_script(
      [&](const v1::Task& task) -> absl::StatusOr<v1::TaskResult> {
        if (task.trial_id() == 2) {
          return absl::InvalidArgumentError("loss is not finite");
        }
        return machine.Arithmetic(task);
      });
  ASSERT_OK(machine.Live());
  const v1::Trial trial = machine.Trials()[1];
  EXPECT_EQ(trial.state(), v1::TRIAL_STATE_INFEASIBLE);
  EXPECT_THAT(trial.error(), HasSubstr("loss is not finite"));
  EXPECT_FALSE(trial.on_front());
}

TEST(RunStudyTest, FaultsOfMachinesChangeNothing) {
  Machine calm(TinySpec());
  ASSERT_OK(calm.Live());
  Machine rough(TinySpec());
  std::map<std::string, int> attempts;
  rough.set_script([&](const v1::Task& task) -> absl::StatusOr<v1::TaskResult> {
    if (++attempts[task.id()] < 3) return absl::UnavailableError("cable");
    return rough.Arithmetic(task);
  });
  ASSERT_OK(rough.Live());
  EXPECT_EQ(rough.Outcome(), calm.Outcome());
}

TEST(RunStudyTest, ATrialThatFailsOnEveryDeviceCountsOnce) {
  v1::StudySpec spec = TinySpec({"host", "adb:1"});
  spec.mutable_budget()->set_trials(2);
  spec.mutable_budget()->set_final_epochs(0);
  Machine machine(spec);
  machine.set_script(
      [&](const v1::Task& task) -> absl::StatusOr<v1::TaskResult> {
        if (task.has_latency() && task.trial_id() == 1) {
          return absl::UnavailableError("no answer");
        }
        return machine.Arithmetic(task);
      });
  ASSERT_OK(machine.Live());
  // It waited to the end of the study.
  EXPECT_EQ(machine.Trials()[0].state(), v1::TRIAL_STATE_CANCELLED);
  EXPECT_EQ(machine.Trials()[1].state(), v1::TRIAL_STATE_MEASURED);
  EXPECT_TRUE(machine.Trials()[1].on_front());
}

TEST(RunStudyTest, WithoutAnyMeasuredTrialTheStudyFailsWithTheReasons) {
  Machine machine(TinySpec());
  machine.set_script(
      [&](const v1::Task& task) -> absl::StatusOr<v1::TaskResult> {
        if (task.has_accuracy()) return absl::UnavailableError("out of memory");
        return machine.Arithmetic(task);
      });
  EXPECT_THAT(machine.Live(),
              StatusIs(kUnavailable, AllOf(HasSubstr("no trial"),
                                           HasSubstr("out of memory"))));
  EXPECT_EQ(machine.Study().state(), v1::STUDY_STATE_FAILED);
}

TEST(RunStudyTest, ACancelledStudyStopsAndKeepsWhatWasMeasured) {
  Machine machine(TinySpec());
  machine.set_script([&](const v1::Task& task) {
    if (task.has_latency() && task.trial_id() == 3) {
      EXPECT_OK(machine.store().RequestCancel(task.study_id()));
    }
    return machine.Arithmetic(task);
  });
  EXPECT_THAT(machine.Live(), StatusIs(absl::StatusCode::kCancelled,
                                       HasSubstr("was cancelled")));
  EXPECT_EQ(machine.Study().state(), v1::STUDY_STATE_CANCELLED);
  EXPECT_EQ(machine.Trials()[0].state(), v1::TRIAL_STATE_MEASURED);
  EXPECT_EQ(machine.Trials()[3].state(), v1::TRIAL_STATE_CANCELLED);
}

TEST(RunStudyTest, AStoppedStudyStaysRunning) {
  Machine machine(TinySpec());
  machine.set_script([&](const v1::Task& task) {
    if (task.has_accuracy()) machine.stop().RequestStop();
    return machine.Arithmetic(task);
  });
  EXPECT_THAT(machine.Live(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(machine.Study().state(), v1::STUDY_STATE_RUNNING);
}

TEST(RunStudyTest, ATableInTheStoreIsNotProfiledAgain) {
  Machine machine(TinySpec());
  ASSERT_OK(machine.Live());
  EXPECT_EQ(KeysWithPrefix(machine.Tasks(), "profile/host/").size(), 2);
  EXPECT_EQ(KeysWithPrefix(machine.Tasks(), "calibrate/").size(), 3);
  v1::StudySpec spec = TinySpec();
  spec.set_seed(2);
  machine.set_study(machine.NewStudy(spec));
  ASSERT_OK(machine.Live());
  EXPECT_TRUE(KeysWithPrefix(machine.Tasks(), "profile/").empty());
  EXPECT_TRUE(KeysWithPrefix(machine.Tasks(), "calibrate/").empty());
}

v1::StudySpec SpecWithBothKindsOfDevices() {
  return TinySpec(
      {"host", absl::StrCat("table:", WriteTable(TinyTable(), "both.txt"))});
}

TEST(ResumeTest, AStudyKilledAtAnyWriteEndsAsIfItHadNotBeen) {
  const v1::StudySpec spec = SpecWithBothKindsOfDevices();
  Machine calm(spec);
  ASSERT_OK(calm.Live());
  int writes = 1;
  for (;; ++writes) {
    SCOPED_TRACE(absl::StrCat("killed after write ", writes));
    Machine machine(spec);
    const absl::Status first = machine.Live(writes);
    if (!machine.died()) break;
    ASSERT_OK(machine.Live());
    ASSERT_EQ(machine.Outcome(), calm.Outcome());
  }
  // Leases and completions of every task, and the steps between them.
  EXPECT_GT(writes, static_cast<int>(2 * calm.Tasks().size()));
}

TEST(ResumeTest, AStudyKilledAgainAndAgainGetsThere) {
  const v1::StudySpec spec = SpecWithBothKindsOfDevices();
  Machine calm(spec);
  ASSERT_OK(calm.Live());
  Machine machine(spec);
  int lives = 1;
  while (!machine.Live(/*writes=*/14).ok()) {
    ASSERT_TRUE(machine.died());
    ASSERT_LT(++lives, 100);
  }
  EXPECT_GT(lives, 5);
  EXPECT_EQ(machine.Outcome(), calm.Outcome());
}

TEST(ResumeTest, AFailedStudyIsTriedAgain) {
  Machine machine(TinySpec());
  bool full = true;
  machine.set_script(
      [&](const v1::Task& task) -> absl::StatusOr<v1::TaskResult> {
        absl::StatusOr<v1::TaskResult> result = machine.Arithmetic(task);
        if (full && task.has_profile_ops() &&
            task.profile_ops().ops_size() > 0) {
          return absl::InvalidArgumentError("unknown operator");
        }
        return result;
      });
  EXPECT_THAT(machine.Live(), Not(IsOk()));
  EXPECT_EQ(machine.Study().state(), v1::STUDY_STATE_FAILED);
  EXPECT_THAT(machine.Study().error(), HasSubstr("unknown operator"));
  full = false;
  // The table comes from elsewhere, as by --latency_table.
  ASSERT_OK(machine.store().MergeLatencyTable(TinyTable().ToProto()));
  ASSERT_OK(machine.Live());
  EXPECT_EQ(machine.Study().state(), v1::STUDY_STATE_SUCCEEDED);
  EXPECT_EQ(machine.Study().error(), "");
}

}  // namespace
}  // namespace frostnas::search
