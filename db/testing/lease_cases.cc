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

using ::testing::AllOf;
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

TEST_P(StoreConformance, AnAccurateResultGoesIntoItsTrial) {
  const std::string study = NewStudy();
  AddTrials(study, 1);
  const v1::Task accuracy = AddTask(study, AccuracyTask(1));
  AddTask(study, LatencyTask(1, "host"));
  AddTask(study, LatencyTask(1, "adb:1"));
  const std::string session = SignIn(TestWorker("w"));
  Work(session, AccuracyOf(0.625));
  Work(session, LatencyOf("host", 100));
  EXPECT_EQ(TrialOf(study, 1).state(), v1::TRIAL_STATE_WAITING);
  Work(session, LatencyOf("adb:1", 900));
  const v1::Trial trial = TrialOf(study, 1);
  EXPECT_EQ(trial.state(), v1::TRIAL_STATE_MEASURED);
  EXPECT_EQ(trial.int8_top1(), 0.625);
  EXPECT_EQ(trial.trained_epochs(), 2);
  EXPECT_EQ(trial.package_sha256(), FakeDigest(1001));
  EXPECT_EQ(trial.package_bytes(), 4096);
  ASSERT_EQ(trial.latency_size(), 2);
  EXPECT_EQ(trial.latency(1).median_ns(), 900);
  EXPECT_EQ(StateOf(accuracy), TaskState::kDone);
  ASSERT_OK_AND_ASSIGN(const TaskRecord record, store_->GetTask(accuracy.id()));
  EXPECT_EQ(record.result->accuracy().int8_top1(), 0.625);
}

TEST_P(StoreConformance, ANewMeasurementReplacesTheOldOneInItsTrialOnly) {
  const std::string study = NewStudy();
  AddTrials(study, 1);
  const std::string session = SignIn(TestWorker("w"));
  for (const int64_t median_ns : {100, 200}) {
    NewTask task = LatencyTask(1, "host");
    task.key += std::to_string(median_ns);
    AddTask(study, task);
    Work(session, LatencyOf("host", median_ns));
  }
  ASSERT_EQ(TrialOf(study, 1).latency_size(), 1);
  EXPECT_EQ(TrialOf(study, 1).latency(0).median_ns(), 200);
  ASSERT_OK_AND_ASSIGN(const auto all, store_->ListMeasurements(study, 1));
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].median_ns(), 100);
}

TEST_P(StoreConformance, ObjectivesAreThoseOfMeasuredTrials) {
  const std::string study = NewStudy();
  AddTrials(study, 3);
  StudyStep step;
  for (int i = 1; i <= 3; ++i) {
    TrialUpdate& update = step.trial_updates.emplace_back();
    update.trial_id = i;
    update.latency = {LatencyOf("host", 10 * i).latency().measurement()};
    if (i == 2) continue;
    update.accuracy = AccuracyOf(0.25 * i).accuracy();
    update.latency.push_back(LatencyOf("adb:1", 7).latency().measurement());
  }
  ASSERT_OK(store_->CommitStep(study, step));
  ASSERT_OK_AND_ASSIGN(const auto host, store_->ListObjectives(study, "host"));
  ASSERT_THAT(host, SizeIs(2));
  EXPECT_EQ(host[0].trial_id, 1);
  EXPECT_EQ(host[1].trial_id, 3);
  EXPECT_EQ(host[1].int8_top1, 0.75);
  EXPECT_EQ(host[1].latency_ns, 30);
  EXPECT_THAT(store_->ListObjectives(study, "adb:2"), IsOkAndHolds(SizeIs(0)));
}

TEST_P(StoreConformance, ACompletionRepeatedGivesTheSameAnswerAndCountsOnce) {
  const std::string study = NewStudy();
  AddTrials(study, 1);
  AddTask(study, LatencyTask(1, "host"));
  const std::string session = SignIn(TestWorker("w"));
  const LeaseRef lease = RefOf(session, MustLease(session));
  const Completion completion = OkCompletion(lease, LatencyOf("host", 5));
  ASSERT_OK_AND_ASSIGN(const auto first, store_->CompleteTask(completion));
  ASSERT_OK_AND_ASSIGN(const auto events, store_->ListEvents(study, 0, 100));
  ASSERT_OK_AND_ASSIGN(const auto again, store_->CompleteTask(completion));
  EXPECT_TRUE(first.counted);
  EXPECT_TRUE(again.counted);
  EXPECT_THAT(store_->ListMeasurements(study, 1), IsOkAndHolds(SizeIs(1)));
  EXPECT_THAT(store_->ListEvents(study, 0, 100),
              IsOkAndHolds(SizeIs(events.size())));
  EXPECT_THAT(store_->RenewLease(lease, kLease, 0), StatusIs(kOver));
}

TEST_P(StoreConformance, ALateResultIsKeptAndNotCounted) {
  const std::string study = NewStudy();
  AddTrials(study, 1);
  const v1::Task task = AddTask(study, AccuracyTask(1));
  const std::string slow = SignIn(TestWorker("slow"));
  const std::string quick = SignIn(TestWorker("quick"));
  const LeaseRef lease = RefOf(slow, MustLease(slow));
  clock_.Advance(kLease);
  ASSERT_OK(store_->ExpireLeases());
  Work(quick, AccuracyOf(0.5, 3000));
  const Completion late = OkCompletion(lease, AccuracyOf(0.9, 4000));
  EXPECT_THAT(store_->CompleteTask(late), StatusIs(kOver, HasSubstr("over")));
  EXPECT_THAT(store_->CompleteTask(late), StatusIs(kOver, HasSubstr("over")));
  EXPECT_EQ(TrialOf(study, 1).int8_top1(), 0.5);
  EXPECT_EQ(TrialOf(study, 1).trained_epochs(), 2);
  EXPECT_THAT(OutcomesOf(task),
              ElementsAre(v1::ATTEMPT_OUTCOME_LATE, v1::ATTEMPT_OUTCOME_OK));
  ASSERT_OK_AND_ASSIGN(const auto attempts, store_->ListAttempts(task.id()));
  ASSERT_TRUE(attempts[0].result.has_value());
  EXPECT_EQ(attempts[0].result->accuracy().int8_top1(), 0.9);
  EXPECT_EQ(attempts[0].fencing_token, lease.fencing_token);
  EXPECT_THAT(store_->ListReferencedBlobs(),
              IsOkAndHolds(ElementsAre(FakeDigest(3000), FakeDigest(3001),
                                       FakeDigest(4000), FakeDigest(4001))));
}

TEST_P(StoreConformance, EpochsOfATrialAddUpOverItsAccuracyTasks) {
  const std::string study = NewStudy();
  AddTrials(study, 1);
  const std::string session = SignIn(TestWorker("w"));
  AddTask(study, AccuracyTask(1));
  Work(session, AccuracyOf(0.5));
  NewTask final_round = AccuracyTask(1);
  final_round.key = "final/1";
  AddTask(study, final_round);
  Work(session, AccuracyOf(0.6));
  EXPECT_EQ(TrialOf(study, 1).trained_epochs(), 4);
}

TEST_P(StoreConformance, ALateResultLeavesATaskThatWaitsForANewLease) {
  const std::string study = NewStudy();
  AddTrials(study, 1);
  const v1::Task task = AddTask(study, AccuracyTask(1));
  const std::string session = SignIn(TestWorker("w"));
  const LeaseRef lease = RefOf(session, MustLease(session));
  clock_.Advance(kLease);
  ASSERT_OK(store_->ExpireLeases());
  EXPECT_THAT(store_->CompleteTask(OkCompletion(lease, AccuracyOf(0.9))),
              StatusIs(kOver));
  EXPECT_EQ(StateOf(task), TaskState::kRunnable);
  EXPECT_EQ(TrialOf(study, 1).int8_top1(), -1);
  Work(session, AccuracyOf(0.5));
  EXPECT_EQ(TrialOf(study, 1).int8_top1(), 0.5);
}

TEST_P(StoreConformance, FaultsOfMachinesEndATaskOnlyAfterItsAttempts) {
  const std::string study = NewStudy();
  AddTrials(study, 1);
  const v1::Task task = AddTask(study, LatencyTask(1, "adb:1", 3));
  const std::string session = SignIn(TestWorker("w"));
  for (const auto outcome :
       {v1::ATTEMPT_OUTCOME_INFRA_ERROR, v1::ATTEMPT_OUTCOME_THERMAL_REJECT}) {
    ASSERT_OK_AND_ASSIGN(
        const auto result,
        store_->CompleteTask(FailedCompletion(
            RefOf(session, MustLease(session)), outcome, "cable")));
    EXPECT_FALSE(result.counted);
    EXPECT_EQ(StateOf(task), TaskState::kRunnable);
  }
  MustLease(session);
  clock_.Advance(kLease);
  ASSERT_OK(store_->ExpireLeases());
  ASSERT_OK_AND_ASSIGN(const TaskRecord record, store_->GetTask(task.id()));
  EXPECT_EQ(record.state, TaskState::kFailed);
  EXPECT_EQ(record.attempts, 3);
  EXPECT_THAT(record.error,
              AllOf(HasSubstr("attempt 1 by w: INFRA_ERROR: cable"),
                    HasSubstr("attempt 2 by w: THERMAL_REJECT: cable"),
                    HasSubstr("attempt 3 by w: LOST")));
  EXPECT_EQ(TrialOf(study, 1).state(), v1::TRIAL_STATE_WAITING);
  EXPECT_FALSE(GetsLease(session));
}

TEST_P(StoreConformance, AUserErrorMakesTheTrialInfeasible) {
  const std::string study = NewStudy();
  AddTrials(study, 2);
  const v1::Task bad = AddTask(study, AccuracyTask(1));
  const v1::Task sibling = AddTask(study, LatencyTask(1, "host"));
  const v1::Task other = AddTask(study, AccuracyTask(2));
  const std::string session = SignIn(TestWorker("w"));
  const LeaseRef lease = RefOf(session, MustLease(session));
  const LeaseRef measuring = RefOf(session, MustLease(session));
  ASSERT_OK_AND_ASSIGN(
      const auto result,
      store_->CompleteTask(FailedCompletion(
          lease, v1::ATTEMPT_OUTCOME_USER_ERROR, "loss is not a number")));
  EXPECT_FALSE(result.counted);
  EXPECT_EQ(StateOf(bad), TaskState::kFailed);
  EXPECT_EQ(StateOf(sibling), TaskState::kCancelled);
  EXPECT_EQ(StateOf(other), TaskState::kRunnable);
  const v1::Trial trial = TrialOf(study, 1);
  EXPECT_EQ(trial.state(), v1::TRIAL_STATE_INFEASIBLE);
  EXPECT_EQ(trial.error(), "loss is not a number");
  EXPECT_THAT(
      store_->CompleteTask(OkCompletion(measuring, LatencyOf("host", 5))),
      StatusIs(kOver));
  EXPECT_THAT(OutcomesOf(sibling), ElementsAre(v1::ATTEMPT_OUTCOME_LATE));
}

TEST_P(StoreConformance,
       AResultOfAnotherKindOrRangeIsRefusedAndChangesNothing) {
  const std::string study = NewStudy();
  AddTrials(study, 1);
  const v1::Task task = AddTask(study, AccuracyTask(1));
  const std::string session = SignIn(TestWorker("w"));
  const LeaseRef lease = RefOf(session, MustLease(session));
  const auto refused = [&](const Completion& completion, const char* field) {
    EXPECT_THAT(store_->CompleteTask(completion),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(field)));
    EXPECT_EQ(StateOf(task), TaskState::kLeased);
  };
  refused(OkCompletion(lease, LatencyOf("host", 5)), "result");
  refused(OkCompletion(lease, {}), "result");
  refused(OkCompletion(lease, AccuracyOf(1.01)), "int8_top1");
  refused(OkCompletion(lease, AccuracyOf(0.0 / 0.0)), "int8_top1");
  v1::TaskResult bad = AccuracyOf(0.5);
  bad.mutable_accuracy()->set_package_sha256("x");
  refused(OkCompletion(lease, bad), "package_sha256");
  for (const auto outcome :
       {v1::ATTEMPT_OUTCOME_UNSPECIFIED, v1::ATTEMPT_OUTCOME_LOST,
        v1::ATTEMPT_OUTCOME_LATE, static_cast<v1::AttemptOutcome>(99)}) {
    refused(FailedCompletion(lease, outcome, ""), "outcome");
  }
  ASSERT_OK(store_->CompleteTask(OkCompletion(lease, AccuracyOf(0.5))));
}

TEST_P(StoreConformance, ALatencyOfAnotherDeviceIsRefused) {
  const std::string study = NewStudy();
  AddTrials(study, 1);
  AddTask(study, LatencyTask(1, "host"));
  const std::string session = SignIn(TestWorker("w"));
  const LeaseRef lease = RefOf(session, MustLease(session));
  EXPECT_THAT(
      store_->CompleteTask(OkCompletion(lease, LatencyOf("adb:1", 5))),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("device")));
  EXPECT_THAT(store_->CompleteTask(OkCompletion(lease, LatencyOf("host", 0))),
              StatusIs(absl::StatusCode::kInvalidArgument));
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
