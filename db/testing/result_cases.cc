// How attempts end: results, faults, user errors; what trials make of them.

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

}  // namespace
}  // namespace frostnas::db
