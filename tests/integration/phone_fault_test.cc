// Phones that fail, seen by a study: a real store, server and workers, the real
// adb client and runner, and phones for tests.
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/status_matchers.h"
#include "db/folder_blob_store.h"
#include "db/sqlite_store.h"
#include "db/testing/store_fixtures.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "latency/phone/phone_device.h"
#include "latency/testing/packages.h"
#include "quant/package.h"
#include "search/server/server.h"
#include "search/testing/tiny_study.h"
#include "tests/integration/host_runner.h"
#include "tests/phone/adb_server.h"
#include "tests/phone/phone.h"
#include "workers/tasks/latency.h"
#include "workers/worker_group.h"

namespace frostnas {
namespace {

using phone::Fault;
using phone::FaultKind;
using phone::TestPhone;

constexpr absl::Duration kLong = absl::Minutes(8);
constexpr absl::Duration kLook = absl::Milliseconds(20);

// Quick to notice and to forgive, so that a test sees much.
latency::PhoneOptions QuickOptions(const TestPhone& phone,
                                   const phone::AdbServer& server) {
  latency::PhoneOptions options;
  options.serial = phone.serial();
  options.runner = HostRunner();
  options.adb.environment = server.environment();
  options.adb.deadline = absl::Seconds(5);
  options.runner_start = absl::Seconds(5);
  options.measuring = absl::Seconds(2);
  options.retry_every = absl::Milliseconds(50);
  options.check_every = absl::Milliseconds(500);
  options.lease_within = absl::Seconds(2);
  // This machine is shared; its noise is no throttling.
  options.rules.max_slope = 100;
  options.max_tries = 2;
  // Random faults may come thick, and none is the phone's own.
  options.life.quarantine_after = 1000;
  return options;
}

// A study whose trials are to be measured, one on each phone in turn.
class PhoneFaultTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(adb_, phone::AdbServer::Start());
    ASSERT_OK_AND_ASSIGN(TempDir folder, TempDir::Create());
    folder_ = std::make_unique<TempDir>(std::move(folder));
    const std::string db = JoinPath(folder_->path(), "study.db");
    ASSERT_OK_AND_ASSIGN(store_, db::OpenSqliteStore(db, &RealClock()));
    ASSERT_OK_AND_ASSIGN(
        blobs_, db::OpenFolderBlobStore({.folder = absl::StrCat(db, ".blobs")},
                                        &RealClock()));
    ASSERT_OK_AND_ASSIGN(
        package_sha256_,
        blobs_->Put(quant::SerializePackage(latency::SmallPackage(2))));
    ASSERT_OK_AND_ASSIGN(
        server_,
        search::Server::Start({.listen = "127.0.0.1:0",
                               .tasks = {.lease_duration = absl::Seconds(5)}},
                              store_.get(), blobs_.get(), &RealClock()));
  }
  void TearDown() override {
    stop_.RequestStop();
    if (workers_thread_.joinable()) workers_thread_.join();
    workers_.reset();
  }

  // Phones with a worker each, and a study on all of them.
  void StartPhones(int count) {
    std::vector<std::string> ids;
    std::vector<workers::RunnerSet> sets;
    for (int i = 0; i < count; ++i) {
      phone::PhoneOptions options;
      options.condition = phone::HostLikeCondition();
      options.reboot_time = options.boot_time = absl::Milliseconds(150);
      ASSERT_OK_AND_ASSIGN(phones_.emplace_back(), TestPhone::Start(options));
      const std::string serial = phones_.back()->serial();
      ids.push_back(absl::StrCat("adb:", serial));
      ASSERT_OK_AND_ASSIGN(
          auto device, latency::OpenPhone(QuickOptions(*phones_.back(), *adb_),
                                          RealClock(), {}));
      workers::RunnerSet& set = sets.emplace_back();
      set.name = serial;
      set.devices.push_back(device->Describe());
      set.ready = [raw = device.get()] { return raw->Ready(); };
      auto devices = std::make_shared<workers::Devices>();
      devices->emplace(ids.back(), std::move(device));
      set.runners[v1::TASK_KIND_LATENCY] =
          std::make_unique<workers::LatencyRunner>(std::move(devices));
    }
    ASSERT_OK_AND_ASSIGN(const v1::Study study,
                         store_->CreateStudy("r", search::TinySpec(ids)));
    study_id_ = study.id();
    ASSERT_OK_AND_ASSIGN(workers_, workers::WorkerGroup::Create(
                                       {.controller = server_->address()},
                                       "test", std::move(sets), RealClock()));
    workers_thread_ =
        std::thread([this] { EXPECT_OK(workers_->Run(stop_.token())); });
  }

  // A trial and the task to measure it on phone `on`.
  std::string MakeTask(int number, int on) {
    const v1::Trial trial = db::TestTrial(number);
    EXPECT_OK(store_->CreateTrials(study_id_, {trial}).status());
    db::NewTask made;
    made.key = absl::StrCat("latency/", number);
    made.task.set_trial_id(number);
    made.task.set_max_attempts(10);
    v1::LatencyWork& work = *made.task.mutable_latency();
    work.set_device_id(absl::StrCat("adb:", phones_[on]->serial()));
    work.set_package_sha256(package_sha256_);
    work.set_threads(1);
    work.set_batch(1);
    work.set_effort(v1::MEASURE_EFFORT_SMOKE);
    const auto tasks = store_->CreateTasks(study_id_, {made});
    EXPECT_OK(tasks.status());
    return tasks.ok() ? tasks->front().id() : "";
  }

  std::vector<v1::Attempt> AttemptsOf(const std::string& task_id) {
    std::vector<v1::Attempt> attempts;
    const auto records = store_->ListAttempts(task_id);
    EXPECT_OK(records.status());
    if (!records.ok()) return attempts;
    for (const db::AttemptRecord& record : *records) {
      attempts.push_back(record.attempt);
    }
    return attempts;
  }
  bool AwaitAllTasks() {
    const absl::Duration end = RealClock().Monotonic() + kLong;
    while (RealClock().Monotonic() < end) {
      const auto counts = store_->CountTasks(study_id_);
      EXPECT_OK(counts.status());
      if (counts->open() == 0) return true;
      RealClock().WaitFor(kLook, {});
    }
    return false;
  }

  // The task is done, and its trial has that one result. Returns how many of
  // its attempts failed.
  int CheckCountedOnce(const std::string& id, int trial_id) {
    const auto task = store_->GetTask(id);
    const auto trial = store_->GetTrial(study_id_, trial_id);
    EXPECT_OK(task.status());
    EXPECT_OK(trial.status());
    if (!task.ok() || !trial.ok()) return 0;
    EXPECT_EQ(task->state, db::TaskState::kDone) << task->error;
    int counted = 0, failed = 0;
    for (const v1::Attempt& attempt : AttemptsOf(id)) {
      const bool ok = attempt.outcome() == v1::ATTEMPT_OUTCOME_OK;
      ++(ok ? counted : failed);
      EXPECT_NE(attempt.outcome(), v1::ATTEMPT_OUTCOME_USER_ERROR)
          << attempt.error();
    }
    EXPECT_EQ(counted, 1);
    EXPECT_EQ(trial->latency_size(), 1);
    EXPECT_TRUE(task->result.has_value());
    if (trial->latency_size() == 1 && task->result.has_value()) {
      EXPECT_EQ(trial->latency(0).samples_sha256(),
                task->result->latency().measurement().samples_sha256());
    }
    return failed;
  }

  std::unique_ptr<phone::AdbServer> adb_;
  std::unique_ptr<TempDir> folder_;
  std::unique_ptr<db::Store> store_;
  std::unique_ptr<db::BlobStore> blobs_;
  std::unique_ptr<search::Server> server_;
  std::string package_sha256_, study_id_;
  std::vector<std::unique_ptr<TestPhone>> phones_;
  StopSource stop_;
  std::unique_ptr<workers::WorkerGroup> workers_;
  std::thread workers_thread_;
};

struct Expectation {
  Fault fault;
  // Of the first attempt; UNSPECIFIED: either it, or a later try within it,
  // gave a result.
  v1::AttemptOutcome outcome;
};

// Every kind of fault, at the moment when it does most harm.
std::vector<Expectation> Expectations() {
  constexpr v1::AttemptOutcome kInfra = v1::ATTEMPT_OUTCOME_INFRA_ERROR;
  const std::string runner = "--request";
  const absl::Duration a_second = absl::Seconds(1);
  return {
      {{.kind = FaultKind::kDisconnectPush}, kInfra},
      {{.kind = FaultKind::kCorruptPush}, v1::ATTEMPT_OUTCOME_OK},
      {{.kind = FaultKind::kDisconnectShell, .command = runner}, kInfra},
      {{.kind = FaultKind::kTruncateOutput,
        .after_bytes = 30,
        .command = runner},
       kInfra},
      {{.kind = FaultKind::kHangShell,
        .duration = absl::Seconds(9),
        .command = runner},
       v1::ATTEMPT_OUTCOME_TIMEOUT},
      {{.kind = FaultKind::kKillProgram, .command = runner}, kInfra},
      {{.kind = FaultKind::kHang,
        .duration = absl::Seconds(9),
        .at_next_program = true},
       v1::ATTEMPT_OUTCOME_TIMEOUT},
      {{.kind = FaultKind::kOffline,
        .duration = a_second,
        .at_next_program = true},
       kInfra},
      {{.kind = FaultKind::kRefused,
        .duration = a_second,
        .at_next_program = true},
       kInfra},
      {{.kind = FaultKind::kUnauthorized,
        .duration = a_second,
        .at_next_program = true},
       kInfra},
      {{.kind = FaultKind::kStorageFull, .duration = a_second}, kInfra},
      {{.kind = FaultKind::kHot,
        .duration = a_second * 2,
        .at_next_program = true},
       v1::ATTEMPT_OUTCOME_THERMAL_REJECT},
      {{.kind = FaultKind::kGovernor,
        .duration = a_second,
        .at_next_program = true},
       v1::ATTEMPT_OUTCOME_UNSPECIFIED},
      {{.kind = FaultKind::kCores,
        .duration = a_second,
        .at_next_program = true,
        .cores = 1},
       v1::ATTEMPT_OUTCOME_UNSPECIFIED},
      {{.kind = FaultKind::kReboot, .at_next_program = true}, kInfra},
  };
}

TEST_F(PhoneFaultTest, EachFaultLeadsToItsOutcomeAndThePhoneReturns) {
  StartPhones(1);
  int number = 0;
  std::set<FaultKind> seen;
  for (const auto& [fault, outcome] : Expectations()) {
    SCOPED_TRACE(phone::FaultName(fault.kind));
    seen.insert(fault.kind);
    phones_[0]->Inject(fault);
    const std::string task = MakeTask(++number, 0);
    ASSERT_TRUE(AwaitAllTasks());
    const std::vector<v1::Attempt> attempts = AttemptsOf(task);
    ASSERT_FALSE(attempts.empty());
    if (outcome != v1::ATTEMPT_OUTCOME_UNSPECIFIED) {
      EXPECT_EQ(attempts.front().outcome(), outcome)
          << attempts.front().error();
    }
    // It came back and the trial got its measurement.
    EXPECT_EQ(attempts.back().outcome(), v1::ATTEMPT_OUTCOME_OK)
        << attempts.back().error();
    ASSERT_TRUE(phones_[0]->AwaitCalm(kLong));
  }
  EXPECT_EQ(seen.size(), phone::AllFaultKinds().size());
}

TEST_F(PhoneFaultTest, NoTrialIsLostOrCountedTwiceUnderRandomFaults) {
  constexpr int kPhones = 4;
  constexpr int kRuns = 200;
  StartPhones(kPhones);
  std::map<int, std::string> tasks;
  for (int run = 1; run <= kRuns; ++run) {
    tasks[run] = MakeTask(run, run % kPhones);
  }
  // Every phone goes from one plan of random faults to the next.
  StopSource done;
  std::vector<std::thread> faults;
  for (int i = 0; i < kPhones; ++i) {
    faults.emplace_back([&, i] {
      for (uint64_t seed = i; !done.token().StopRequested(); seed += kPhones) {
        phones_[i]->Inject(
            phone::RandomFaults(seed, {.count = 1,
                                       .within = absl::Milliseconds(500),
                                       .longest = absl::Milliseconds(400)}));
        phones_[i]->AwaitCalm(absl::Seconds(2));
        done.token().WaitFor(absl::Milliseconds(1200));
      }
    });
  }
  EXPECT_TRUE(AwaitAllTasks());
  done.RequestStop();
  for (std::thread& thread : faults) thread.join();

  int faulted = 0;
  for (const auto& [run, id] : tasks) {
    SCOPED_TRACE(absl::StrCat("run ", run));
    faulted += CheckCountedOnce(id, run);
  }
  size_t took_effect = 0;
  for (const auto& phone : phones_) took_effect += phone->log().faults.size();
  RecordProperty("faults_that_took_effect", static_cast<int>(took_effect));
  RecordProperty("attempts_that_failed", faulted);
  // Else nothing was tried.
  EXPECT_GT(took_effect, 40);
  EXPECT_GT(faulted, 20);
}

}  // namespace
}  // namespace frostnas
