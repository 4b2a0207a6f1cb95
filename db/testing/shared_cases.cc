// Latency tables, waiting, and many threads at once.

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/barrier.h"
#include "base/check.h"
#include "base/status_matchers.h"
#include "db/rules.h"
#include "db/testing/store_conformance.h"
#include "db/testing/store_fixtures.h"
#include "gmock/gmock.h"

namespace frostnas::db {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// Runs `body(i)` in `n` threads that start together.
template <typename Body>
void InThreads(int n, Body body) {
  auto* barrier = new absl::Barrier(n);
  std::vector<std::thread> threads;
  for (int i = 0; i < n; ++i) {
    threads.emplace_back([&, i] {
      if (barrier->Block()) delete barrier;
      body(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

v1::LatencyTable TestTable(int64_t median_ns) {
  return TableOf(ProfileTask("host").task.profile_ops(),
                 ProfileOf("host", median_ns).profile_ops());
}

TableKey KeyOf(const v1::LatencyTable& table) {
  return {table.device().fingerprint(), table.device().runtime(),
          table.threads(), table.batch()};
}

TEST_P(StoreConformance, ALatencyTableGrowsAndKeepsItsCalibration) {
  v1::LatencyTable table = TestTable(100);
  const TableKey key = KeyOf(table);
  EXPECT_THAT(store_->GetLatencyTable(key),
              StatusIs(absl::StatusCode::kNotFound));
  table.mutable_calibration()->set_slope(1.25);
  table.mutable_calibration()->set_networks(4);
  (*table.mutable_full_speeds()->mutable_ns())[32] = 1000.5;
  ASSERT_OK(store_->MergeLatencyTable(table));
  v1::LatencyTable more = TestTable(70);
  more.mutable_ops(0)->mutable_op()->set_stride(2);
  (*more.mutable_full_speeds()->mutable_ns())[32] = 900;
  (*more.mutable_full_speeds()->mutable_ns())[224] = 7000;
  ASSERT_OK(store_->MergeLatencyTable(more));

  ASSERT_OK_AND_ASSIGN(const auto read, store_->GetLatencyTable(key));
  EXPECT_EQ(read.calibration().slope(), 1.25);
  EXPECT_EQ(read.full_speeds().ns().at(32), 1000.5);
  EXPECT_EQ(read.full_speeds().ns().at(224), 7000);
  EXPECT_EQ(read.device().id(), "host");
  std::map<std::string, int64_t> medians;
  for (const v1::OpLatency& op : read.ops()) {
    medians[absl::StrCat(op.op().in_channels(), "/", op.op().stride())] =
        op.median_ns();
  }
  EXPECT_EQ(medians, (std::map<std::string, int64_t>{
                         {"8/1", 100}, {"8/2", 70}, {"16/1", 70}}));
  for (int i = 1; i < read.ops_size(); ++i) {
    EXPECT_LT(OpDigest(read.ops(i - 1).op()), OpDigest(read.ops(i).op()));
  }
}

TEST_P(StoreConformance, LatencyTablesOfOtherConditionsAreApart) {
  v1::LatencyTable table = TestTable(100);
  ASSERT_OK(store_->MergeLatencyTable(table));
  TableKey key = KeyOf(table);
  key.threads = 2;
  EXPECT_THAT(store_->GetLatencyTable(key),
              StatusIs(absl::StatusCode::kNotFound));
  table.set_threads(0);
  EXPECT_THAT(
      store_->MergeLatencyTable(table),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("threads")));
  table.set_threads(1);
  table.mutable_ops(1)->set_median_ns(0);
  EXPECT_THAT(
      store_->MergeLatencyTable(table),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("ops[1]")));
  table.mutable_device()->clear_fingerprint();
  EXPECT_THAT(
      store_->MergeLatencyTable(table),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("fingerprint")));
}

TEST_P(StoreConformance, AProfileTaskFillsTheLatencyTable) {
  const std::string study = NewStudy();
  AddTask(study, ProfileTask("host"));
  const std::string session = SignIn(TestWorker("w"));
  const LeaseRef lease = RefOf(session, MustLease(session));
  v1::TaskResult wrong = ProfileOf("host", 55);
  wrong.mutable_profile_ops()->mutable_ops()->SwapElements(0, 1);
  EXPECT_THAT(store_->CompleteTask(OkCompletion(lease, wrong)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("ops")));
  v1::TaskResult right = ProfileOf("host", 55);
  (*right.mutable_profile_ops()->mutable_full_speeds()->mutable_ns())[32] =
      1234;
  ASSERT_OK(store_->CompleteTask(OkCompletion(lease, right)));
  ASSERT_OK_AND_ASSIGN(const auto table,
                       store_->GetLatencyTable(KeyOf(TestTable(1))));
  ASSERT_EQ(table.ops_size(), 2);
  EXPECT_EQ(table.ops(0).median_ns(), 55);
  EXPECT_EQ(table.full_speeds().ns().at(32), 1234);
}

TEST_P(StoreConformance, ChangesWakeThoseWhoWait) {
  const std::string study = NewStudy();
  const uint64_t tasks = store_->tasks_changed().count();
  const uint64_t events = store_->events_changed().count();
  std::thread waiter(
      [&] { store_->tasks_changed().Wait(tasks, absl::InfiniteDuration()); });
  AddTask(study, AccuracyTask(0));
  waiter.join();
  EXPECT_EQ(store_->events_changed().count(), events);
  ASSERT_OK(store_->AppendEvent(study, {}));
  EXPECT_NE(store_->events_changed().Wait(events, absl::InfiniteDuration()),
            events);
  // Nothing new: the wait ends by its time.
  const uint64_t seen = store_->events_changed().count();
  EXPECT_EQ(store_->events_changed().Wait(seen, absl::Milliseconds(1)), seen);
}

TEST_P(StoreConformance, NoTaskIsLeasedTwiceByRacingWorkers) {
  constexpr int kWorkers = 4;
  constexpr int kTasks = 40;
  const std::string study = NewStudy();
  AddTrials(study, kTasks);
  for (int i = 1; i <= kTasks; ++i) AddTask(study, AccuracyTask(i));
  std::vector<std::vector<v1::Lease>> leases(kWorkers);
  InThreads(kWorkers, [&](int i) {
    const std::string session = SignIn(TestWorker(absl::StrCat("w", i)));
    while (true) {
      const auto lease = store_->LeaseTask(session, kLease);
      CHECK_OK(lease);
      if (!lease->has_value()) return;
      leases[i].push_back(**lease);
    }
  });
  std::set<std::string> tasks;
  std::set<uint64_t> tokens;
  for (const auto& of_worker : leases) {
    for (const v1::Lease& lease : of_worker) {
      EXPECT_TRUE(tasks.insert(lease.task().id()).second);
      EXPECT_TRUE(tokens.insert(lease.fencing_token()).second);
    }
  }
  EXPECT_THAT(tasks, SizeIs(kTasks));
}

TEST_P(StoreConformance, RacingReapersTakeEachLeaseBackOnce) {
  constexpr int kTasks = 20;
  const std::string study = NewStudy();
  const std::string session = SignIn(TestWorker("w"));
  std::vector<v1::Task> tasks;
  for (int i = 0; i < kTasks; ++i) {
    NewTask task = AccuracyTask(0);
    task.key = absl::StrCat(i);
    tasks.push_back(AddTask(study, task));
    MustLease(session);
  }
  clock_.Advance(kLease);
  std::atomic<int> taken = 0;
  InThreads(3, [&](int) {
    const auto lost = store_->ExpireLeases();
    CHECK_OK(lost);
    taken += static_cast<int>(lost->size());
  });
  EXPECT_EQ(taken, kTasks);
  for (const v1::Task& task : tasks) {
    EXPECT_THAT(OutcomesOf(task), SizeIs(1));
  }
}

TEST_P(StoreConformance, OneOutcomeWinsWhenReapersAndALateResultRace) {
  const std::string study = NewStudy();
  constexpr int kRounds = 10;
  AddTrials(study, kRounds);
  const std::string slow = SignIn(TestWorker("slow"));
  const std::string quick = SignIn(TestWorker("quick"));
  for (int i = 1; i <= kRounds; ++i) {
    const v1::Task task = AddTask(study, AccuracyTask(i));
    const LeaseRef lease = RefOf(slow, MustLease(slow));
    clock_.Advance(kLease);
    std::atomic<int> counted = 0;
    const auto complete = [&](const LeaseRef& ref, double top1) {
      const auto done =
          store_->CompleteTask(OkCompletion(ref, AccuracyOf(top1)));
      counted += done.ok() && done->counted ? 1 : 0;
    };
    InThreads(4, [&](int thread) {
      if (thread < 2) {
        CHECK_OK(store_->ExpireLeases());
      } else if (thread == 2) {
        complete(lease, 0.25);
      } else {
        const auto taken = store_->LeaseTask(quick, kLease);
        CHECK_OK(taken);
        if (taken->has_value()) complete(RefOf(quick, **taken), 0.75);
      }
    });
    // The slow worker was in time, or the task is the quick one's.
    if (counted == 0) {
      ASSERT_EQ(StateOf(task), TaskState::kRunnable);
      Work(quick, AccuracyOf(0.75));
    } else {
      EXPECT_EQ(counted, 1);
    }
    EXPECT_EQ(StateOf(task), TaskState::kDone);
    const std::vector<v1::AttemptOutcome> outcomes = OutcomesOf(task);
    EXPECT_EQ(
        std::count(outcomes.begin(), outcomes.end(), v1::ATTEMPT_OUTCOME_OK),
        1);
    EXPECT_EQ(TrialOf(study, i).int8_top1(),
              outcomes[0] == v1::ATTEMPT_OUTCOME_OK ? 0.25 : 0.75);
  }
}

TEST_P(StoreConformance, RacingEnginesNeverShareATrialNumber) {
  const std::string study = NewStudy();
  InThreads(4, [&](int thread) {
    for (int i = 0; i < 10; ++i) {
      CHECK_OK(store_->CreateTrials(study, {TestTrial(100 * thread + i)}));
      CHECK_OK(store_->CreateTrials(study, {TestTrial(5000 + i)}));
    }
  });
  ASSERT_OK_AND_ASSIGN(const auto trials, store_->ListTrials(study, {}));
  ASSERT_THAT(trials.items, SizeIs(50));
  std::set<std::string> architectures;
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(trials.items[i].id(), i + 1);
    EXPECT_TRUE(architectures.insert(trials.items[i].arch_sha256()).second);
  }
  EXPECT_THAT(store_->ListEvents(study, 0, 1000), IsOkAndHolds(SizeIs(51)));
}

TEST_P(StoreConformance, ReadersSeeStepsWholeWhileTheyAreWritten) {
  const std::string study = NewStudy();
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) {
      const auto checkpoint = store_->GetCheckpoint(study);
      CHECK_OK(checkpoint);
      if (!checkpoint->has_value()) continue;
      CHECK_EQ((*checkpoint)->state, (*checkpoint)->blob_sha256.at(0));
    }
  });
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK(store_->SaveCheckpoint(study, {FakeDigest(i), {FakeDigest(i)}}));
  }
  done = true;
  reader.join();
}

}  // namespace
}  // namespace frostnas::db
