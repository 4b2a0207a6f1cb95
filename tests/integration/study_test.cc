// A study over the network: engine, server and workers with real connections
// and, where they are killed, in processes of their own. Results are
// arithmetic; so every run must end with the same trials.

#include <signal.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "base/status_matchers.h"
#include "db/memory_blob_store.h"
#include "db/memory_store.h"
#include "search/engine/engine.h"
#include "search/server/server.h"
#include "search/testing/fake_search.h"
#include "search/testing/scripted_worker.h"
#include "search/testing/tiny_study.h"
#include "tests/testing/arithmetic_runner.h"
#include "tests/testing/process.h"
#include "workers/worker.h"

namespace frostnas::search {
namespace {

using ::testing::HasSubstr;

constexpr char kWorker[] = "tests/integration/arithmetic_worker";

// A worker of this process, on a thread.
class LocalWorker {
 public:
  LocalWorker(const std::string& controller, const std::string& id,
              BeforeTask before = nullptr) {
    auto worker = workers::Worker::Create({.client = {.controller = controller},
                                           .worker_id = id,
                                           .devices = {TinyDevice("host")}},
                                          ArithmeticRunners(std::move(before)),
                                          RealClock());
    EXPECT_OK(worker);
    worker_ = *std::move(worker);
    thread_ = std::thread([this] { EXPECT_OK(worker_->Run(stop_.token())); });
  }
  ~LocalWorker() {
    stop_.RequestStop();
    thread_.join();
  }

 private:
  StopSource stop_;
  std::unique_ptr<workers::Worker> worker_;
  std::thread thread_;
};

// The store's clock is the test's, so that leases expire when it says so.
class StudyTest : public ::testing::Test {
 protected:
  StudyTest()
      : store_(db::NewMemoryStore(&clock_)),
        blobs_(db::NewMemoryBlobStore(&clock_)) {
    Serve("127.0.0.1:0");
    const auto study = store_->CreateStudy("r", TinySpec());
    EXPECT_OK(study);
    study_id_ = study->id();
  }

  void Serve(const std::string& listen) {
    server_ = nullptr;
    // Heartbeats are often, and the lease lasts while the clock stands.
    auto server =
        Server::Start({.listen = listen,
                       .tasks = {.lease_duration = absl::Milliseconds(300)}},
                      store_.get(), blobs_.get(), &clock_);
    ASSERT_OK(server);
    server_ = *std::move(server);
  }

  absl::Status Run() {
    return RunStudy(study_id_, *store_, *blobs_,
                    {.make_search = MakeFakeSearch,
                     .on_progress = [](const StudyProgress&) {}},
                    StopToken());
  }

  // Results without the times, blobs and names of one run.
  static std::string Outcome(db::Store& store, const std::string& study_id) {
    const auto trials = store.ListTrials(study_id, {.size = 1000});
    EXPECT_OK(trials);
    std::string text;
    for (const v1::Trial& trial : trials->items) {
      absl::StrAppend(&text, trial.ShortDebugString(), "\n");
    }
    return text;
  }

  // The same study with a worker that talks to the store itself.
  static std::string CalmOutcome() {
    const auto store = db::NewMemoryStore(&RealClock());
    const auto blobs = db::NewMemoryBlobStore(&RealClock());
    const auto study = store->CreateStudy("r", TinySpec());
    EXPECT_OK(study);
    ScriptedWorker worker(store.get(), "w", [&](const v1::Task& task) {
      return ArithmeticResult(task, *blobs);
    });
    EXPECT_OK(RunStudy(study->id(), *store, *blobs,
                       {.make_search = MakeFakeSearch,
                        .on_progress = [](const StudyProgress&) {}},
                       StopToken()));
    return Outcome(*store, study->id());
  }

  void ExpectCalmOutcome() {
    EXPECT_EQ(Outcome(*store_, study_id_), CalmOutcome());
  }

  // Attempts of all tasks with this outcome.
  int CountAttempts(v1::AttemptOutcome outcome) {
    int count = 0;
    const auto tasks = store_->ListTasks(study_id_);
    EXPECT_OK(tasks);
    for (const db::TaskRecord& task : *tasks) {
      const auto attempts = store_->ListAttempts(task.task.id());
      EXPECT_OK(attempts);
      for (const db::AttemptRecord& attempt : *attempts) {
        count += attempt.attempt.outcome() == outcome;
      }
    }
    return count;
  }

  FakeClock clock_;
  std::unique_ptr<db::Store> store_;
  std::unique_ptr<db::BlobStore> blobs_;
  std::unique_ptr<Server> server_;
  std::string study_id_;
};

TEST_F(StudyTest, TwoWorkersGiveWhatOneGives) {
  LocalWorker first(server_->address(), "w-1");
  LocalWorker second(server_->address(), "w-2");
  ASSERT_OK(Run());
  ExpectCalmOutcome();
}

TEST_F(StudyTest, WorkersInProcessesOfTheirOwnGiveTheSame) {
  const auto first = Process::Start({kWorker, server_->address(), "w-1"});
  const auto second = Process::Start({kWorker, server_->address(), "w-2"});
  ASSERT_OK(Run());
  ExpectCalmOutcome();
  for (Process* worker : {first.get(), second.get()}) {
    worker->Kill(SIGTERM);
    EXPECT_EQ(worker->Wait().exit_code, 0);
  }
}

TEST_F(StudyTest, AWorkerKilledInMidTaskDoesNotSpoilTheStudy) {
  const auto doomed =
      Process::Start({kWorker, server_->address(), "doomed", "hang"});
  absl::Status status;
  std::thread running([&] { status = Run(); });
  EXPECT_TRUE(doomed->Await([](const Process& p) {
    return absl::StrContains(p.stdout_text(), "begun");
  }));
  doomed->Kill(SIGKILL);
  EXPECT_EQ(doomed->Wait().signal, SIGKILL);
  // Past the end of the dead worker's lease.
  clock_.Advance(absl::Minutes(1));
  ASSERT_OK(store_->ExpireLeases());
  const auto heir = Process::Start({kWorker, server_->address(), "heir"});
  running.join();
  ASSERT_OK(status);
  ExpectCalmOutcome();
  EXPECT_EQ(CountAttempts(v1::ATTEMPT_OUTCOME_LOST), 1);
}

TEST_F(StudyTest, AServerThatRestartsGetsTheResultOfTheTaskUnderWay) {
  const std::string address = server_->address();
  absl::Notification begun, restarted;
  LocalWorker worker(address, "w",
                     [&](const v1::Task& task, workers::TaskContext&) {
                       if (task.has_accuracy() && !begun.HasBeenNotified()) {
                         begun.Notify();
                         restarted.WaitForNotification();
                       }
                       return absl::OkStatus();
                     });
  absl::Status status;
  std::thread running([&] { status = Run(); });
  begun.WaitForNotification();
  Serve(address);
  restarted.Notify();
  running.join();
  ASSERT_OK(status);
  ExpectCalmOutcome();
  EXPECT_EQ(CountAttempts(v1::ATTEMPT_OUTCOME_LOST), 0);
}

TEST_F(StudyTest, AResultAfterTheLeaseExpiredIsKeptAndNotCounted) {
  absl::Notification begun, expired;
  absl::Status status;
  std::thread running([&] { status = Run(); });
  {
    LocalWorker slow(server_->address(), "slow",
                     [&](const v1::Task& task, workers::TaskContext&) {
                       if (task.has_accuracy() && !begun.HasBeenNotified()) {
                         begun.Notify();
                         expired.WaitForNotification();
                       }
                       return absl::OkStatus();
                     });
    begun.WaitForNotification();
    clock_.Advance(absl::Minutes(1));
    ASSERT_OK(store_->ExpireLeases());
    LocalWorker quick(server_->address(), "quick");
    expired.Notify();
    running.join();
  }
  ASSERT_OK(status);
  ExpectCalmOutcome();
  EXPECT_EQ(CountAttempts(v1::ATTEMPT_OUTCOME_LATE), 1);
}

TEST_F(StudyTest, ACancelledStudyStopsItsWorker) {
  absl::Notification begun, stopped;
  LocalWorker worker(server_->address(), "w",
                     [&](const v1::Task& task, workers::TaskContext& context) {
                       if (!task.has_accuracy()) return absl::OkStatus();
                       begun.Notify();
                       context.stop.WaitFor(absl::InfiniteDuration());
                       stopped.Notify();
                       return context.stop.Check();
                     });
  absl::Status status;
  std::thread running([&] { status = Run(); });
  begun.WaitForNotification();
  ASSERT_OK(store_->RequestCancel(study_id_));
  running.join();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kCancelled,
                               HasSubstr("was cancelled")));
  stopped.WaitForNotification();
}

}  // namespace
}  // namespace frostnas::search
