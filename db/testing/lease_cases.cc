// Tasks, leases, attempts, workers.

#include <cmath>
#include <string>
#include <vector>

#include "base/status_matchers.h"
#include "db/testing/store_conformance.h"
#include "db/testing/store_fixtures.h"
#include "gmock/gmock.h"

namespace frostnas::db {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr absl::StatusCode kOver = absl::StatusCode::kFailedPrecondition;

TEST_P(StoreConformance, ATaskIsMadeOnceForItsKey) {
  const std::string study = NewStudy();
  AddTrials(study, 1);
  const v1::Task task = AddTask(study, AccuracyTask(1));
  EXPECT_EQ(AddTask(study, AccuracyTask(1, 9)).id(), task.id());
  ASSERT_OK_AND_ASSIGN(const auto tasks, store_->ListTasks(study));
  ASSERT_THAT(tasks, SizeIs(1));
  EXPECT_EQ(tasks[0].task.max_attempts(), 3);
  EXPECT_EQ(tasks[0].key, "accuracy/1");
  EXPECT_NE(AddTask(NewStudy(), ProfileTask("host")).id(), task.id());
}

TEST_P(StoreConformance, ATaskWithoutWorkDeviceOrAttemptsIsRefused) {
  const std::string study = NewStudy();
  const auto refused = [&](const NewTask& task, const char* field) {
    EXPECT_THAT(store_->CreateTasks(study, {task}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(field)));
  };
  NewTask task = AccuracyTask(0);
  task.task.clear_work();
  refused(task, "work");
  task = AccuracyTask(0, 0);
  refused(task, "max_attempts");
  refused(LatencyTask(0, ""), "device_id");
  task = AccuracyTask(0);
  task.key.clear();
  refused(task, "key");
}

TEST_P(StoreConformance, AWorkerGetsTheOldestTaskItCanDo) {
  const std::string study = NewStudy();
  AddTrials(study, 2);
  AddTask(study, AccuracyTask(1));
  AddTask(study, LatencyTask(1, "host"));
  AddTask(study, LatencyTask(1, "adb:1"));
  AddTask(study, LatencyTask(2, "adb:1"));
  const std::string phone = SignIn(LatencyWorker("phone", "adb:1"));
  const std::string all = SignIn(TestWorker("all"));
  const std::string other = SignIn(LatencyWorker("other", "adb:2"));
  const v1::Lease lease = MustLease(phone);
  EXPECT_EQ(lease.task().latency().device_id(), "adb:1");
  EXPECT_EQ(lease.task().trial_id(), 1);
  EXPECT_EQ(lease.task().study_id(), study);
  EXPECT_EQ(lease.duration_ns(), absl::ToInt64Nanoseconds(kLease));
  EXPECT_FALSE(GetsLease(other));
  EXPECT_TRUE(MustLease(all).task().has_accuracy());
  EXPECT_EQ(MustLease(all).task().latency().device_id(), "host");
}

TEST_P(StoreConformance, ADeviceGetsOneTaskAtATimeFromAWorker) {
  const std::string study = NewStudy();
  AddTrials(study, 2);
  AddTask(study, LatencyTask(1, "adb:1"));
  AddTask(study, LatencyTask(2, "adb:1"));
  const std::string phone = SignIn(LatencyWorker("phone", "adb:1"));
  const v1::Lease lease = MustLease(phone);
  EXPECT_FALSE(GetsLease(phone));
  ASSERT_OK(store_->CompleteTask(
      OkCompletion(RefOf(phone, lease), LatencyOf("adb:1", 5))));
  EXPECT_TRUE(GetsLease(phone));
}

TEST_P(StoreConformance, FencingTokensGrowOverAllTasks) {
  const std::string study = NewStudy();
  AddTrials(study, 3);
  const std::string session = SignIn(TestWorker("w"));
  uint64_t last = 0;
  for (int i = 1; i <= 3; ++i) {
    AddTask(study, AccuracyTask(i));
    const v1::Lease lease = MustLease(session);
    EXPECT_GT(lease.fencing_token(), last);
    last = lease.fencing_token();
    ASSERT_OK(store_->CompleteTask(FailedCompletion(
        RefOf(session, lease), v1::ATTEMPT_OUTCOME_INFRA_ERROR, "")));
    const v1::Lease again = MustLease(session);
    EXPECT_GT(again.fencing_token(), last);
    last = again.fencing_token();
  }
}

TEST_P(StoreConformance, ARenewedLeaseLastsFromThen) {
  const std::string study = NewStudy();
  const v1::Task task = AddTask(study, AccuracyTask(0));
  const std::string session = SignIn(TestWorker("w"));
  const LeaseRef lease = RefOf(session, MustLease(session));
  clock_.Advance(kLease - absl::Nanoseconds(1));
  EXPECT_THAT(store_->ExpireLeases(), IsOkAndHolds(SizeIs(0)));
  ASSERT_OK(store_->RenewLease(lease, kLease, 0));
  clock_.Advance(kLease - absl::Nanoseconds(1));
  EXPECT_THAT(store_->ExpireLeases(), IsOkAndHolds(SizeIs(0)));
  clock_.Advance(absl::Nanoseconds(1));
  // Past its end but not taken back: still the worker's.
  ASSERT_OK(store_->RenewLease(lease, kLease, 0));
  clock_.Advance(kLease);
  EXPECT_THAT(store_->ExpireLeases(), IsOkAndHolds(SizeIs(1)));
  EXPECT_THAT(store_->RenewLease(lease, kLease, 0), StatusIs(kOver));
  EXPECT_EQ(StateOf(task), TaskState::kRunnable);
  EXPECT_THAT(store_->RenewLease(lease, absl::ZeroDuration(), 0),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_P(StoreConformance, ARenewedLeaseTellsHowFarItsWorkIs) {
  const std::string study = NewStudy();
  const v1::Task task = AddTask(study, AccuracyTask(0));
  const std::string session = SignIn(TestWorker("w"));
  const auto progress = [&] { return store_->GetTask(task.id())->progress; };
  const LeaseRef lease = RefOf(session, MustLease(session));
  EXPECT_EQ(progress(), 0);
  ASSERT_OK(store_->RenewLease(lease, kLease, 0.25));
  EXPECT_EQ(progress(), 0.25);
  for (const double wrong : {-0.1, 1.1, std::nan("")}) {
    EXPECT_THAT(store_->RenewLease(lease, kLease, wrong),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_EQ(progress(), 0.25);
  clock_.Advance(kLease);
  ASSERT_OK(store_->ExpireLeases());
  MustLease(session);
  EXPECT_EQ(progress(), 0) << "another attempt starts anew";
}

TEST_P(StoreConformance, ALostTaskRunsAgainElsewhere) {
  const std::string study = NewStudy();
  const v1::Task task = AddTask(study, AccuracyTask(0));
  const std::string first = SignIn(TestWorker("first"));
  const std::string second = SignIn(TestWorker("second"));
  MustLease(first);
  clock_.Advance(kLease);
  ASSERT_OK_AND_ASSIGN(const auto lost, store_->ExpireLeases());
  ASSERT_THAT(lost, SizeIs(1));
  EXPECT_EQ(lost[0].outcome(), v1::ATTEMPT_OUTCOME_LOST);
  EXPECT_EQ(lost[0].worker_id(), "first");
  EXPECT_EQ(lost[0].ended_at_ns(), absl::ToUnixNanos(clock_.Now()));
  EXPECT_FALSE(GetsLease(first));
  EXPECT_EQ(MustLease(second).task().id(), task.id());
}

TEST_P(StoreConformance, ALostTaskComesBackToItsWorkerWhenItIsAlone) {
  const std::string study = NewStudy();
  AddTask(study, AccuracyTask(0));
  SignIn(LatencyWorker("unable", "host"));
  SignIn(TestWorker("gone"));
  const std::string session = SignIn(TestWorker("w"));
  MustLease(session);
  clock_.Advance(kLease);
  ASSERT_OK(store_->ExpireLeases());
  EXPECT_FALSE(GetsLease(session));
  clock_.Advance(Store::WorkerTimeout());
  EXPECT_TRUE(GetsLease(session));
}

TEST_P(StoreConformance, ALeaseOfAnotherSessionOrTokenIsUnknown) {
  const std::string study = NewStudy();
  AddTask(study, AccuracyTask(0));
  const std::string session = SignIn(TestWorker("w"));
  const std::string thief = SignIn(TestWorker("thief"));
  const LeaseRef lease = RefOf(session, MustLease(session));
  for (const LeaseRef& wrong :
       {LeaseRef{thief, lease.task_id, lease.fencing_token},
        LeaseRef{session, lease.task_id, lease.fencing_token + 1},
        LeaseRef{session, lease.task_id, ~uint64_t{0}},
        LeaseRef{session, "tk-00000009", lease.fencing_token},
        LeaseRef{session, "", lease.fencing_token}}) {
    EXPECT_THAT(store_->RenewLease(wrong, kLease, 0), StatusIs(kOver));
    EXPECT_THAT(store_->CompleteTask(OkCompletion(wrong, AccuracyOf(0.5))),
                StatusIs(absl::StatusCode::kNotFound));
  }
  EXPECT_OK(store_->RenewLease(lease, kLease, 0));
}

TEST_P(StoreConformance, LongErrorsAreCutBetweenCharacters) {
  const std::string study = NewStudy();
  const v1::Task task = AddTask(study, AccuracyTask(0));
  const std::string session = SignIn(TestWorker("w"));
  std::string error(4095, 'x');
  for (int i = 0; i < 10; ++i) error += "\xc3\xa9";  // 2 bytes
  ASSERT_OK(store_->CompleteTask(FailedCompletion(
      RefOf(session, MustLease(session)), v1::ATTEMPT_OUTCOME_TIMEOUT, error)));
  ASSERT_OK_AND_ASSIGN(const auto attempts, store_->ListAttempts(task.id()));
  EXPECT_EQ(attempts[0].attempt.error(), std::string(4095, 'x'));
}

TEST_P(StoreConformance, RegisteringAgainFencesTheOldSession) {
  const std::string study = NewStudy();
  const v1::Task task = AddTask(study, AccuracyTask(0));
  ASSERT_OK(store_->RegisterWorker(TestWorker("w"), "old"));
  const LeaseRef lease = RefOf("old", MustLease("old"));
  ASSERT_OK(store_->RegisterWorker(TestWorker("w"), "old"));  // a retry
  ASSERT_OK(store_->RenewLease(lease, kLease, 0));
  ASSERT_OK(store_->RegisterWorker(TestWorker("w"), "new"));
  EXPECT_THAT(OutcomesOf(task), ElementsAre(v1::ATTEMPT_OUTCOME_LOST));
  EXPECT_EQ(StateOf(task), TaskState::kRunnable);
  EXPECT_THAT(store_->LeaseTask("old", kLease), StatusIs(kOver));
  EXPECT_THAT(store_->GetWorker("old"), StatusIs(kOver));
  EXPECT_THAT(store_->RenewLease(lease, kLease, 0), StatusIs(kOver));
  EXPECT_THAT(store_->CompleteTask(OkCompletion(lease, AccuracyOf(0.5))),
              StatusIs(kOver));
  EXPECT_TRUE(GetsLease("new"));
  EXPECT_THAT(store_->RegisterWorker(TestWorker("v"), "new"),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_P(StoreConformance, AWorkerThatCouldDoNothingIsRefused) {
  const auto refused = [&](const v1::RegisterRequest& worker,
                           const char* field) {
    EXPECT_THAT(store_->RegisterWorker(worker, "s"),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(field)));
  };
  v1::RegisterRequest worker = TestWorker("");
  refused(worker, "worker_id");
  worker = TestWorker("w");
  worker.clear_roles();
  refused(worker, "roles");
  worker.add_roles(static_cast<v1::TaskKind>(42));
  refused(worker, "roles");
  worker = LatencyWorker("w", "host");
  worker.clear_devices();
  refused(worker, "devices");
  EXPECT_THAT(store_->RegisterWorker(TestWorker("w"), ""),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_P(StoreConformance, WorkersAreListedWithWhatTheyHold) {
  const std::string study = NewStudy();
  const v1::Task task = AddTask(study, AccuracyTask(0));
  const absl::Time start = clock_.Now();
  SignIn(LatencyWorker("b", "adb:1"));
  clock_.Advance(absl::Minutes(1));
  const std::string session = SignIn(TestWorker("a"));
  MustLease(session);
  ASSERT_OK_AND_ASSIGN(const auto all, store_->ListWorkers(start));
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].worker_id(), "a");
  EXPECT_THAT(all[0].task_ids(), ElementsAre(task.id()));
  EXPECT_THAT(all[0].devices(), ElementsAre("host", "adb:1"));
  EXPECT_THAT(all[0].roles(), SizeIs(3));
  EXPECT_EQ(all[1].last_heard_at_ns(), absl::ToUnixNanos(start));
  EXPECT_THAT(store_->ListWorkers(start + absl::Seconds(1)),
              IsOkAndHolds(SizeIs(1)));
  clock_.Advance(absl::Minutes(1));
  EXPECT_FALSE(GetsLease("s-b"));
  EXPECT_THAT(store_->ListWorkers(clock_.Now()), IsOkAndHolds(SizeIs(1)));
}

TEST_P(StoreConformance, TasksAreCountedByState) {
  const std::string study = NewStudy();
  AddTrials(study, 3);
  const std::string session = SignIn(TestWorker("w"));
  AddTask(study, AccuracyTask(1));
  Work(session, AccuracyOf(0.5));
  AddTask(study, AccuracyTask(2, 1));
  ASSERT_OK(store_->CompleteTask(FailedCompletion(
      RefOf(session, MustLease(session)), v1::ATTEMPT_OUTCOME_TIMEOUT, "")));
  AddTask(study, AccuracyTask(3));
  MustLease(session);
  AddTask(study, LatencyTask(3, "host"));
  ASSERT_OK_AND_ASSIGN(const TaskCounts counts, store_->CountTasks(study));
  EXPECT_EQ(counts.done, 1);
  EXPECT_EQ(counts.failed, 1);
  EXPECT_EQ(counts.leased, 1);
  EXPECT_EQ(counts.runnable, 1);
  EXPECT_EQ(counts.cancelled, 0);
  EXPECT_EQ(counts.open(), 2);
}

}  // namespace
}  // namespace frostnas::db
