#include "search/server/study_service.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "search/server/server_fixture.h"
#include "search/testing/tiny_study.h"

namespace frostnas::search {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using StudyServiceTest = ServerFixture;

TEST_F(StudyServiceTest, ASubmittedStudyIsQueuedAndFound) {
  ASSERT_OK_AND_ASSIGN(const v1::Study study, client_->Submit("r", TinySpec()));
  EXPECT_EQ(study.state(), v1::STUDY_STATE_QUEUED);
  ASSERT_OK_AND_ASSIGN(const v1::Study found, client_->Get(study.id()));
  EXPECT_EQ(found.SerializeAsString(), study.SerializeAsString());
}

TEST_F(StudyServiceTest, ARepeatedSubmissionIsTheSameStudy) {
  ASSERT_OK_AND_ASSIGN(const v1::Study study, client_->Submit("r", TinySpec()));
  ASSERT_OK_AND_ASSIGN(const v1::Study again, client_->Submit("r", TinySpec()));
  EXPECT_EQ(again.id(), study.id());
  v1::StudySpec other = TinySpec();
  other.set_seed(99);
  EXPECT_THAT(client_->Submit("r", other),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("r")));
}

TEST_F(StudyServiceTest, ASpecAtFaultIsRefusedByItsField) {
  v1::StudySpec no_devices = TinySpec({});
  EXPECT_THAT(
      client_->Submit("r", no_devices),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("spec.devices")));
  v1::StudySpec threads = TinySpec();
  threads.set_threads(65);
  EXPECT_THAT(client_->Submit("r", threads),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("threads"), HasSubstr("64"))));
  EXPECT_THAT(
      client_->Submit("", TinySpec()),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("request_id")));
  EXPECT_THAT(client_->List(), IsOkAndHolds(IsEmpty()));
}

TEST_F(StudyServiceTest, UnknownStudiesAreNotFoundByEveryMethod) {
  constexpr absl::StatusCode kNotFound = absl::StatusCode::kNotFound;
  EXPECT_THAT(client_->Get("st-00000042"),
              StatusIs(kNotFound, HasSubstr("st-00000042")));
  EXPECT_THAT(client_->Trials("st-00000042"), StatusIs(kNotFound));
  EXPECT_THAT(client_->Pareto("st-00000042"), StatusIs(kNotFound));
  EXPECT_THAT(client_->Cancel("st-00000042"), StatusIs(kNotFound));
  EXPECT_THAT(client_->Watch("nonsense", 0, StopToken(), [](const auto&) {}),
              StatusIs(kNotFound, HasSubstr("nonsense")));
}

TEST_F(StudyServiceTest, StudiesAreListedNewestFirstInPages) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK(client_->Submit(absl::StrCat("r", i), TinySpec()));
  }
  std::vector<std::string> ids;
  v1::ListStudiesRequest request;
  request.set_page_size(2);
  int pages = 0;
  do {
    grpc::ClientContext context;
    v1::ListStudiesResponse response;
    ASSERT_OK(FromGrpc(studies_->ListStudies(&context, request, &response)));
    for (const v1::Study& study : response.studies()) ids.push_back(study.id());
    request.set_page_token(response.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(ids, ElementsAre("st-00000005", "st-00000004", "st-00000003",
                               "st-00000002", "st-00000001"));
  ASSERT_OK_AND_ASSIGN(const auto all, client_->List());
  EXPECT_EQ(all.size(), 5);
}

TEST_F(StudyServiceTest, PagesOutOfRangeAreRefused) {
  for (const auto& [size, token] : std::vector<std::pair<int, std::string>>{
           {-1, ""}, {1001, ""}, {10, "trials:1"}}) {
    grpc::ClientContext context;
    v1::ListStudiesRequest request;
    request.set_page_size(size);
    request.set_page_token(token);
    v1::ListStudiesResponse response;
    EXPECT_THAT(
        FromGrpc(studies_->ListStudies(&context, request, &response)),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("page_")));
  }
}

v1::Trial TrialOf(const std::string& digit) {
  v1::Trial trial;
  trial.set_arch_sha256(std::string(64, digit[0]));
  return trial;
}

db::TrialUpdate Measured(int id, double top1, int64_t host_ns, int64_t adb_ns) {
  db::TrialUpdate update{.trial_id = id};
  update.accuracy.emplace().set_int8_top1(top1);
  for (const auto& [device, ns] : std::vector<std::pair<std::string, int64_t>>{
           {"adb:1", adb_ns}, {"host", host_ns}}) {
    v1::Measurement& measurement = update.latency.emplace_back();
    measurement.set_device_id(device);
    measurement.set_median_ns(ns);
  }
  return update;
}

TEST_F(StudyServiceTest, TheFrontComesByRisingLatencyOnTheDeviceAskedFor) {
  ASSERT_OK_AND_ASSIGN(const v1::Study study,
                       client_->Submit("r", TinySpec({"host", "adb:1"})));
  db::StudyStep step;
  step.new_trials = {TrialOf("a"), TrialOf("b"), TrialOf("c")};
  step.trial_updates = {Measured(1, 0.9, 30, 100), Measured(2, 0.5, 10, 300),
                        Measured(3, 0.4, 20, 200)};
  step.front = std::vector<int>{1, 2};
  step.update.hypervolume = 0.25;
  ASSERT_OK(store_->CommitStep(study.id(), step));

  ASSERT_OK_AND_ASSIGN(const auto front, client_->Pareto(study.id()));
  ASSERT_EQ(front.trials_size(), 2);
  EXPECT_EQ(front.trials(0).id(), 2);
  EXPECT_EQ(front.hypervolume(), 0.25);

  v1::GetParetoRequest request;
  request.set_study_id(study.id());
  request.set_device_id("adb:1");
  v1::GetParetoResponse response;
  grpc::ClientContext context;
  ASSERT_OK(FromGrpc(studies_->GetPareto(&context, request, &response)));
  EXPECT_EQ(response.trials(0).id(), 1);

  request.set_device_id("adb:7");
  grpc::ClientContext refused;
  EXPECT_THAT(FromGrpc(studies_->GetPareto(&refused, request, &response)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("device_id"), HasSubstr("adb:7"))));
  ASSERT_OK_AND_ASSIGN(const auto trials, client_->Trials(study.id()));
  EXPECT_EQ(trials.size(), 3);
}

TEST_F(StudyServiceTest, ACancelledStudyEndsItsWatch) {
  ASSERT_OK_AND_ASSIGN(const v1::Study study, client_->Submit("r", TinySpec()));
  std::vector<v1::StudyEvent> events;
  ASSERT_OK(client_->Watch(study.id(), 0, StopToken(),
                           [&](const v1::StudyEvent& event) {
                             events.push_back(event);
                             if (events.size() > 1) return;
                             EXPECT_OK(client_->Cancel(study.id()));
                           }));
  ASSERT_EQ(events.size(), 2);
  EXPECT_EQ(events[0].sequence(), 1);
  EXPECT_EQ(events[1].study().state(), v1::STUDY_STATE_CANCELLED);
  EXPECT_THAT(client_->Cancel(study.id()), IsOk());
}

TEST_F(StudyServiceTest, AWatchGoesOnAfterItsCursor) {
  ASSERT_OK_AND_ASSIGN(const v1::Study study, client_->Submit("r", TinySpec()));
  for (int i = 0; i < 300; ++i) {
    ASSERT_OK(store_->UpdateStudy(study.id(), {.progress = i / 300.0}));
  }
  ASSERT_OK(client_->Cancel(study.id()));
  uint64_t next = 100;
  ASSERT_OK(client_->Watch(study.id(), 99, StopToken(),
                           [&](const v1::StudyEvent& event) {
                             EXPECT_EQ(event.sequence(), next++);
                           }));
  EXPECT_EQ(next, 303);  // 1 creation, 300 updates, 1 end, and one past it
}

TEST_F(StudyServiceTest, AWatchOutlivesARestartOfTheServer) {
  ASSERT_OK_AND_ASSIGN(const v1::Study study, client_->Submit("r", TinySpec()));
  const auto watcher = StudyClient::Create(server_->address());
  ASSERT_OK(watcher);
  absl::Notification first;
  std::vector<uint64_t> sequences;
  absl::Status watched;
  std::thread watching([&] {
    watched = (*watcher)->Watch(study.id(), 0, StopToken(),
                                [&](const v1::StudyEvent& event) {
                                  sequences.push_back(event.sequence());
                                  if (!first.HasBeenNotified()) first.Notify();
                                });
  });
  ASSERT_TRUE(first.WaitForNotificationWithTimeout(kPatience));
  const std::string address = server_->address();
  server_ = nullptr;
  StartServer(address);
  EXPECT_OK(client_->Cancel(study.id()));
  watching.join();
  EXPECT_OK(watched);
  EXPECT_THAT(sequences, ElementsAre(1, 2));
}

TEST_F(StudyServiceTest, WatchingNobodyIsAnErrorThatNamesTheAddress) {
  const std::string address = server_->address();
  server_ = nullptr;
  EXPECT_THAT(client_->Watch("st-00000001", 0, StopToken(), [](const auto&) {}),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("--controller"), HasSubstr(address))));
  EXPECT_THAT(client_->List(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(address)));
}

TEST_F(StudyServiceTest, AStoppedWatchReturns) {
  ASSERT_OK_AND_ASSIGN(const v1::Study study, client_->Submit("r", TinySpec()));
  StopSource stop;
  EXPECT_THAT(client_->Watch(study.id(), 0, stop.token(),
                             [&](const auto&) { stop.RequestStop(); }),
              StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(StudyServiceTest, WorkersAreListedWithTheirTasks) {
  StudyWithTask();
  ASSERT_OK_AND_ASSIGN(const auto lease, Lease(Register("w-1")));
  Register("w-2");
  ASSERT_OK_AND_ASSIGN(const auto workers, client_->Workers());
  ASSERT_EQ(workers.size(), 2);
  EXPECT_EQ(workers[0].worker_id(), "w-1");
  EXPECT_THAT(workers[0].task_ids(), ElementsAre(lease.lease().task().id()));
  EXPECT_THAT(workers[1].task_ids(), IsEmpty());
}

}  // namespace
}  // namespace frostnas::search
