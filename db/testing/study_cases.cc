// Studies, trials, fronts, events, checkpoints.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "db/testing/store_conformance.h"
#include "db/testing/store_fixtures.h"
#include "gmock/gmock.h"

namespace frostnas::db {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

PageRequest FirstPage(int size) { return {.size = size, .token = ""}; }

TEST_P(StoreConformance, AStudyIsKeptAsSubmitted) {
  ASSERT_OK_AND_ASSIGN(const v1::Study made,
                       store_->CreateStudy("r1", TestSpec(7)));
  EXPECT_EQ(made.id(), "st-00000001");
  EXPECT_EQ(made.state(), v1::STUDY_STATE_QUEUED);
  EXPECT_EQ(made.created_at_ns(), absl::ToUnixNanos(clock_.Now()));
  ASSERT_OK_AND_ASSIGN(const v1::Study read, store_->GetStudy(made.id()));
  EXPECT_EQ(read.SerializeAsString(), made.SerializeAsString());
  EXPECT_EQ(read.spec().SerializeAsString(), TestSpec(7).SerializeAsString());
}

TEST_P(StoreConformance, TheSameRequestGivesTheSameStudy) {
  ASSERT_OK_AND_ASSIGN(const v1::Study first,
                       store_->CreateStudy("r1", TestSpec(1)));
  ASSERT_OK_AND_ASSIGN(const v1::Study again,
                       store_->CreateStudy("r1", TestSpec(1)));
  EXPECT_EQ(first.id(), again.id());
  EXPECT_THAT(store_->CreateStudy("r1", TestSpec(2)),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("r1")));
  EXPECT_THAT(
      store_->CreateStudy("", TestSpec(1)),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("request_id")));
  ASSERT_OK_AND_ASSIGN(const auto all, store_->ListStudies({}));
  EXPECT_THAT(all.items, SizeIs(1));
}

TEST_P(StoreConformance, UnknownIdsAreNotFound) {
  const std::string study = NewStudy();
  const auto not_found = StatusIs(absl::StatusCode::kNotFound);
  for (const std::string id :
       {"", "st-", "st-00000002", "st-0000000", "st-0x000001", "tk-00000001",
        "st-ffffffffffffffff", "st-00000001 "}) {
    EXPECT_THAT(store_->GetStudy(id), not_found) << id;
    EXPECT_THAT(store_->ListTrials(id, {}), not_found) << id;
    EXPECT_THAT(store_->CommitStep(id, {}), not_found) << id;
    EXPECT_THAT(store_->RequestCancel(id), not_found) << id;
    EXPECT_THAT(store_->ListEvents(id, 0, 1), not_found) << id;
    EXPECT_THAT(store_->GetCheckpoint(id), not_found) << id;
  }
  EXPECT_THAT(store_->GetTrial(study, 0), not_found);
  EXPECT_THAT(store_->GetTrial(study, 1), not_found);
  EXPECT_THAT(store_->GetTask("tk-00000001"), not_found);
  EXPECT_THAT(store_->ListAttempts("st-00000001"), not_found);
}

TEST_P(StoreConformance, StudiesAreListedNewestFirstInStablePages) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(NewStudy());
  ASSERT_OK_AND_ASSIGN(const auto first, store_->ListStudies(FirstPage(2)));
  ASSERT_THAT(first.items, SizeIs(2));
  EXPECT_EQ(first.items[0].id(), ids[4]);
  EXPECT_EQ(first.items[1].id(), ids[3]);
  NewStudy();
  ASSERT_OK_AND_ASSIGN(
      const auto second,
      store_->ListStudies({.size = 2, .token = first.next_token}));
  ASSERT_THAT(second.items, SizeIs(2));
  EXPECT_EQ(second.items[0].id(), ids[2]);
  ASSERT_OK_AND_ASSIGN(
      const auto third,
      store_->ListStudies({.size = 2, .token = second.next_token}));
  ASSERT_THAT(third.items, SizeIs(1));
  EXPECT_EQ(third.items[0].id(), ids[0]);
  EXPECT_THAT(third.next_token, IsEmpty());
}

TEST_P(StoreConformance, PagesOfTheWrongSizeOrTokenAreRefused) {
  const std::string study = NewStudy();
  const auto invalid = StatusIs(absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(store_->ListStudies(FirstPage(0)), invalid);
  EXPECT_THAT(store_->ListStudies(FirstPage(1001)), invalid);
  EXPECT_THAT(store_->ListStudies({.size = 1, .token = "trials:3"}), invalid);
  EXPECT_THAT(store_->ListStudies({.size = 1, .token = "studies:x"}), invalid);
  EXPECT_THAT(store_->ListTrials(study, {.size = 1, .token = "\xff"}), invalid);
}

TEST_P(StoreConformance, AnUpdateChangesWhatItNamesAndIsAnEvent) {
  const std::string study = NewStudy();
  StudyUpdate update;
  update.state = v1::STUDY_STATE_RUNNING;
  update.phase = "supernet";
  ASSERT_OK(store_->UpdateStudy(study, update));
  update = {};
  update.progress = 0.25;
  ASSERT_OK_AND_ASSIGN(const v1::Study after,
                       store_->UpdateStudy(study, update));
  EXPECT_EQ(after.phase(), "supernet");
  EXPECT_EQ(after.progress(), 0.25);
  EXPECT_EQ(after.state(), v1::STUDY_STATE_RUNNING);
  ASSERT_OK_AND_ASSIGN(const auto events, store_->ListEvents(study, 0, 10));
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[2].sequence(), 3);
  EXPECT_EQ(events[2].study().progress(), 0.25);
  EXPECT_FALSE(events[2].study().has_spec());
  update.progress = 1.5;
  EXPECT_THAT(
      store_->UpdateStudy(study, update),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("progress")));
}

TEST_P(StoreConformance, AnEndedStudyTakesNoSteps) {
  const std::string study = NewStudy();
  StudyUpdate end;
  end.state = v1::STUDY_STATE_SUCCEEDED;
  clock_.Advance(absl::Seconds(5));
  ASSERT_OK_AND_ASSIGN(const v1::Study ended, store_->UpdateStudy(study, end));
  EXPECT_EQ(ended.ended_at_ns(), absl::ToUnixNanos(clock_.Now()));
  EXPECT_THAT(store_->UpdateStudy(study, end),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(store_->CreateTrials(study, {TestTrial(1)}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_P(StoreConformance, AFailedStudyIsResumedWithItsTrialsAndTasks) {
  const std::string study = NewStudy();
  AddTrials(study, 1);
  const v1::Task task = AddTask(study, AccuracyTask(1));
  StudyUpdate update;
  update.state = v1::STUDY_STATE_FAILED;
  update.error = "disk full";
  ASSERT_OK(store_->UpdateStudy(study, update));
  EXPECT_EQ(StateOf(task), TaskState::kCancelled);
  EXPECT_EQ(TrialOf(study, 1).state(), v1::TRIAL_STATE_WAITING);

  update = {};
  update.state = v1::STUDY_STATE_RUNNING;
  ASSERT_OK_AND_ASSIGN(const v1::Study resumed,
                       store_->UpdateStudy(study, update));
  EXPECT_EQ(resumed.error(), "");
  EXPECT_EQ(resumed.ended_at_ns(), 0);
  EXPECT_EQ(AddTask(study, AccuracyTask(1)).id(), task.id());
  EXPECT_EQ(StateOf(task), TaskState::kRunnable);
}

TEST_P(StoreConformance, CancellingAQueuedStudyEndsIt) {
  const std::string study = NewStudy();
  ASSERT_OK_AND_ASSIGN(const v1::Study cancelled, store_->RequestCancel(study));
  EXPECT_EQ(cancelled.state(), v1::STUDY_STATE_CANCELLED);
  EXPECT_NE(cancelled.ended_at_ns(), 0);
}

TEST_P(StoreConformance, CancellingARunningStudyStopsItsWork) {
  const std::string study = NewStudy();
  AddTrials(study, 2);
  const std::string session = SignIn(TestWorker("w"));
  const v1::Task leased = AddTask(study, AccuracyTask(1));
  const v1::Task waiting = AddTask(study, AccuracyTask(2));
  StudyUpdate update;
  update.state = v1::STUDY_STATE_RUNNING;
  ASSERT_OK(store_->UpdateStudy(study, update));
  const v1::Lease lease = MustLease(session);

  EXPECT_THAT(store_->IsCancelRequested(study), IsOkAndHolds(false));
  ASSERT_OK_AND_ASSIGN(const v1::Study asked, store_->RequestCancel(study));
  EXPECT_EQ(asked.state(), v1::STUDY_STATE_RUNNING);
  EXPECT_THAT(store_->IsCancelRequested(study), IsOkAndHolds(true));
  EXPECT_EQ(StateOf(leased), TaskState::kCancelled);
  EXPECT_EQ(StateOf(waiting), TaskState::kCancelled);
  EXPECT_EQ(TrialOf(study, 1).state(), v1::TRIAL_STATE_CANCELLED);
  EXPECT_THAT(store_->RenewLease(RefOf(session, lease), kLease, 0),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(store_->CreateTasks(study, {AccuracyTask(2)}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  update.state = v1::STUDY_STATE_CANCELLED;
  ASSERT_OK(store_->UpdateStudy(study, update));
  ASSERT_OK(store_->RequestCancel(study));
}

TEST_P(StoreConformance, TrialsAreNumberedAndUniqueByArchitecture) {
  const std::string study = NewStudy();
  v1::Trial given = TestTrial(5);
  given.set_id(77);
  given.set_int8_top1(0.9);
  given.set_state(v1::TRIAL_STATE_MEASURED);
  ASSERT_OK_AND_ASSIGN(
      const auto made,
      store_->CreateTrials(study, {TestTrial(3), given, TestTrial(3)}));
  ASSERT_THAT(made, SizeIs(3));
  EXPECT_EQ(made[0].id(), 1);
  EXPECT_EQ(made[1].id(), 2);
  EXPECT_EQ(made[2].id(), 1);
  EXPECT_EQ(made[1].state(), v1::TRIAL_STATE_WAITING);
  EXPECT_EQ(made[1].int8_top1(), -1);
  EXPECT_EQ(made[1].study_id(), study);
  EXPECT_EQ(TrialOf(study, 2).params(), 500);
  const std::string other = NewStudy();
  ASSERT_OK_AND_ASSIGN(const auto again,
                       store_->CreateTrials(other, {TestTrial(3)}));
  EXPECT_EQ(again[0].id(), 1);
  EXPECT_THAT(
      store_->CreateTrials(study, {v1::Trial()}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("arch_sha256")));
}

TEST_P(StoreConformance, TrialsAreListedInPages) {
  const std::string study = NewStudy();
  AddTrials(study, 5);
  ASSERT_OK_AND_ASSIGN(const auto first,
                       store_->ListTrials(study, FirstPage(3)));
  ASSERT_THAT(first.items, SizeIs(3));
  EXPECT_EQ(first.items[2].id(), 3);
  ASSERT_OK_AND_ASSIGN(
      const auto second,
      store_->ListTrials(study, {.size = 2, .token = first.next_token}));
  ASSERT_THAT(second.items, SizeIs(2));
  EXPECT_EQ(second.items[0].id(), 4);
  EXPECT_THAT(second.next_token, IsEmpty());
}

TEST_P(StoreConformance, AStepIsAppliedWholeOrNotAtAll) {
  const std::string study = NewStudy();
  StudyStep step;
  step.update.phase = "trials";
  step.new_trials = {TestTrial(1)};
  step.new_tasks = {AccuracyTask(1), LatencyTask(2, "host")};  // no trial 2
  step.checkpoint = Checkpoint{"state", {FakeDigest(9)}};
  EXPECT_THAT(store_->CommitStep(study, step),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("trial 2")));
  ASSERT_OK_AND_ASSIGN(const v1::Study before, store_->GetStudy(study));
  EXPECT_EQ(before.phase(), "");
  EXPECT_THAT(store_->GetCheckpoint(study), IsOkAndHolds(std::nullopt));
  EXPECT_THAT(store_->ListTasks(study), IsOkAndHolds(SizeIs(0)));
  EXPECT_THAT(store_->ListEvents(study, 0, 100), IsOkAndHolds(SizeIs(1)));

  step.new_tasks.pop_back();
  ASSERT_OK_AND_ASSIGN(const StepResult result,
                       store_->CommitStep(study, step));
  EXPECT_EQ(result.study.phase(), "trials");
  EXPECT_EQ(result.trials[0].id(), 1);
  EXPECT_EQ(result.tasks[0].id(), "tk-00000001");
  EXPECT_EQ(result.tasks[0].study_id(), study);
}

TEST_P(StoreConformance, AnEngineCanMeasureAndDropTrialsItself) {
  const std::string study = NewStudy();
  AddTrials(study, 2);
  const v1::Task task = AddTask(study, AccuracyTask(2));
  StudyStep step;
  step.trial_updates.resize(2);
  step.trial_updates[0].trial_id = 1;
  step.trial_updates[0].accuracy = AccuracyOf(0.5).accuracy();
  for (const char* device : {"host", "adb:1"}) {
    step.trial_updates[0].latency.push_back(
        LatencyOf(device, 100).latency().measurement());
  }
  step.trial_updates[1].trial_id = 2;
  step.trial_updates[1].state = v1::TRIAL_STATE_INFEASIBLE;
  step.trial_updates[1].error = "diverged";
  ASSERT_OK(store_->CommitStep(study, step));
  EXPECT_EQ(TrialOf(study, 1).state(), v1::TRIAL_STATE_MEASURED);
  EXPECT_EQ(TrialOf(study, 2).error(), "diverged");
  EXPECT_EQ(StateOf(task), TaskState::kCancelled);
  EXPECT_THAT(store_->ListMeasurements(study, 1), IsOkAndHolds(SizeIs(2)));
}

TEST_P(StoreConformance, TheFrontIsExactlyWhatWasSetLast) {
  const std::string study = NewStudy();
  AddTrials(study, 4);
  StudyStep step;
  step.front = std::vector<int>{3, 1, 1};
  ASSERT_OK(store_->CommitStep(study, step));
  step.front = std::vector<int>{3, 4};
  step.update.hypervolume = 0.5;
  ASSERT_OK(store_->CommitStep(study, step));
  ASSERT_OK_AND_ASSIGN(const auto front, store_->ListFront(study));
  ASSERT_THAT(front, SizeIs(2));
  EXPECT_EQ(front[0].id(), 3);
  EXPECT_EQ(front[1].id(), 4);
  EXPECT_FALSE(TrialOf(study, 1).on_front());
  step.front = std::vector<int>{5};
  EXPECT_THAT(store_->CommitStep(study, step),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_->ListFront(study), IsOkAndHolds(SizeIs(2)));
}

TEST_P(StoreConformance, EventsAreNumberedWithoutGapsAndReadFromACursor) {
  const std::string study = NewStudy();
  const std::string other = NewStudy();
  for (int i = 0; i < 5; ++i) {
    v1::StudyEvent event;
    event.mutable_epoch()->set_epoch(i);
    event.set_sequence(999);
    ASSERT_OK(store_->AppendEvent(study, event));
    ASSERT_OK(store_->AppendEvent(other, event));
  }
  ASSERT_OK_AND_ASSIGN(const auto events, store_->ListEvents(study, 2, 3));
  ASSERT_THAT(events, SizeIs(3));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(events[i].sequence(), 3 + i);
    EXPECT_EQ(events[i].epoch().epoch(), 1 + i);
    EXPECT_EQ(events[i].study_id(), study);
    EXPECT_EQ(events[i].at_ns(), absl::ToUnixNanos(clock_.Now()));
  }
  EXPECT_THAT(store_->ListEvents(study, 6, 10), IsOkAndHolds(SizeIs(0)));
  EXPECT_THAT(store_->ListEvents(study, ~uint64_t{0}, 10),
              IsOkAndHolds(SizeIs(0)));
  EXPECT_THAT(store_->ListEvents(study, 0, 0),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_P(StoreConformance, ACheckpointReplacesTheOneBefore) {
  const std::string study = NewStudy();
  EXPECT_THAT(store_->GetCheckpoint(study), IsOkAndHolds(std::nullopt));
  const std::string bytes("a\0b", 3);
  ASSERT_OK(store_->SaveCheckpoint(study, {"old", {FakeDigest(1)}}));
  ASSERT_OK(store_->SaveCheckpoint(
      study, {bytes, {FakeDigest(3), FakeDigest(2), FakeDigest(3)}}));
  ASSERT_OK_AND_ASSIGN(const auto checkpoint, store_->GetCheckpoint(study));
  ASSERT_TRUE(checkpoint.has_value());
  EXPECT_EQ(checkpoint->state, bytes);
  EXPECT_THAT(checkpoint->blob_sha256,
              ElementsAre(FakeDigest(3), FakeDigest(2), FakeDigest(3)));
  EXPECT_THAT(store_->SaveCheckpoint(study, {"", {"../etc"}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(store_->ListReferencedBlobs(),
              IsOkAndHolds(ElementsAre(FakeDigest(2), FakeDigest(3))));
}

}  // namespace
}  // namespace frostnas::db
