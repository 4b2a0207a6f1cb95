// Both services over a real connection on the loopback, with stores in memory.

#include "search/server/server.h"

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "base/status_matchers.h"
#include "db/memory_blob_store.h"
#include "db/memory_store.h"
#include "proto/frostnas/v1/study_service.grpc.pb.h"
#include "proto/frostnas/v1/task_service.grpc.pb.h"
#include "search/server/study_client.h"
#include "search/testing/tiny_study.h"

namespace frostnas::search {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using TaskStub = v1::TaskService::Stub;
using StudyStub = v1::StudyService::Stub;

constexpr int64_t kMaxBlobBytes = 3 << 20;
// Long enough for any machine; no test waits for it when it passes.
constexpr absl::Duration kPatience = absl::Seconds(60);

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

class ServerTest : public ::testing::Test {
 protected:
  ServerTest()
      : store_(db::NewMemoryStore(&RealClock())),
        blobs_(db::NewMemoryBlobStore(&RealClock(), kMaxBlobBytes)) {
    StartServer("127.0.0.1:0");
  }

  void StartServer(const std::string& listen) {
    auto server = Server::Start({.listen = listen}, store_.get(), blobs_.get(),
                                &RealClock());
    ASSERT_OK(server);
    server_ = *std::move(server);
    auto client = StudyClient::Create(server_->address());
    ASSERT_OK(client);
    client_ = *std::move(client);
    const auto channel = grpc::CreateChannel(
        server_->address(), grpc::InsecureChannelCredentials());
    tasks_ = v1::TaskService::NewStub(channel);
    studies_ = v1::StudyService::NewStub(channel);
  }

  // One unary call of TaskService.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(
      grpc::Status (TaskStub::*method)(grpc::ClientContext*, const Request&,
                                       Response*),
      const Request& request) {
    grpc::ClientContext context;
    Response response;
    const absl::Status status =
        FromGrpc((tasks_.get()->*method)(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }

  std::string Register(const std::string& worker_id) {
    v1::RegisterRequest request;
    request.set_worker_id(worker_id);
    request.add_roles(v1::TASK_KIND_ACCURACY);
    const auto response = Call(&TaskStub::Register, request);
    EXPECT_OK(response);
    return response.ok() ? response->session() : "";
  }

  absl::StatusOr<v1::LeaseTaskResponse> Lease(
      const std::string& session, absl::Duration wait = absl::ZeroDuration()) {
    v1::LeaseTaskRequest request;
    request.set_session(session);
    request.set_wait_ns(absl::ToInt64Nanoseconds(wait));
    return Call(&TaskStub::LeaseTask, request);
  }

  // From the only worker.
  int64_t LastHeardNs() {
    const auto workers = client_->Workers();
    return workers.ok() && workers->size() == 1
               ? workers->front().last_heard_at_ns()
               : -1;
  }

  // Of the only worker; returns when the server has the call. Fills `leased`.
  std::thread WaitForLease(const std::string& session,
                           absl::StatusOr<v1::LeaseTaskResponse>& leased) {
    const int64_t registered_at_ns = LastHeardNs();
    std::thread waiting(
        [this, session, &leased] { leased = Lease(session, kPatience); });
    while (LastHeardNs() == registered_at_ns) std::this_thread::yield();
    return waiting;
  }

  // A study with one accuracy task.
  v1::Study StudyWithTask() {
    v1::Study study =
        client_->Submit("with-task", TinySpec()).value_or(v1::Study());
    v1::Task task;
    task.set_max_attempts(3);
    task.mutable_accuracy()->mutable_architecture()->set_name("n");
    EXPECT_OK(store_->CreateTasks(study.id(), {{.key = "one", .task = task}}));
    return study;
  }

  absl::StatusOr<std::string> PutChunks(const std::vector<v1::BlobChunk>& all) {
    grpc::ClientContext context;
    v1::PutBlobResponse response;
    auto writer = tasks_->PutBlob(&context, &response);
    for (const v1::BlobChunk& chunk : all) {
      if (!writer->Write(chunk)) break;
    }
    writer->WritesDone();
    const absl::Status status = FromGrpc(writer->Finish());
    if (!status.ok()) return status;
    return response.sha256();
  }

  absl::StatusOr<std::string> GetBlob(const std::string& digest) {
    grpc::ClientContext context;
    v1::GetBlobRequest request;
    request.set_sha256(digest);
    auto reader = tasks_->GetBlob(&context, request);
    std::string bytes;
    v1::BlobChunk chunk;
    while (reader->Read(&chunk)) bytes += chunk.data();
    const absl::Status status = FromGrpc(reader->Finish());
    if (!status.ok()) return status;
    return bytes;
  }

  std::unique_ptr<db::Store> store_;
  std::unique_ptr<db::BlobStore> blobs_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<StudyClient> client_;
  std::unique_ptr<TaskStub> tasks_;
  std::unique_ptr<StudyStub> studies_;
};

v1::BlobChunk Chunk(const std::string& digest, const std::string& data) {
  v1::BlobChunk chunk;
  chunk.set_sha256(digest);
  chunk.set_data(data);
  return chunk;
}

TEST_F(ServerTest, ASubmittedStudyIsQueuedAndFound) {
  ASSERT_OK_AND_ASSIGN(const v1::Study study, client_->Submit("r", TinySpec()));
  EXPECT_EQ(study.state(), v1::STUDY_STATE_QUEUED);
  ASSERT_OK_AND_ASSIGN(const v1::Study found, client_->Get(study.id()));
  EXPECT_EQ(found.SerializeAsString(), study.SerializeAsString());
}

TEST_F(ServerTest, ARepeatedSubmissionIsTheSameStudy) {
  ASSERT_OK_AND_ASSIGN(const v1::Study study, client_->Submit("r", TinySpec()));
  ASSERT_OK_AND_ASSIGN(const v1::Study again, client_->Submit("r", TinySpec()));
  EXPECT_EQ(again.id(), study.id());
  v1::StudySpec other = TinySpec();
  other.set_seed(99);
  EXPECT_THAT(client_->Submit("r", other),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("r")));
}

TEST_F(ServerTest, ASpecAtFaultIsRefusedByItsField) {
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

TEST_F(ServerTest, UnknownStudiesAreNotFoundByEveryMethod) {
  constexpr absl::StatusCode kNotFound = absl::StatusCode::kNotFound;
  EXPECT_THAT(client_->Get("st-00000042"),
              StatusIs(kNotFound, HasSubstr("st-00000042")));
  EXPECT_THAT(client_->Trials("st-00000042"), StatusIs(kNotFound));
  EXPECT_THAT(client_->Pareto("st-00000042"), StatusIs(kNotFound));
  EXPECT_THAT(client_->Cancel("st-00000042"), StatusIs(kNotFound));
  EXPECT_THAT(client_->Watch("nonsense", 0, StopToken(), [](const auto&) {}),
              StatusIs(kNotFound, HasSubstr("nonsense")));
}

TEST_F(ServerTest, StudiesAreListedNewestFirstInPages) {
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

TEST_F(ServerTest, PagesOutOfRangeAreRefused) {
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

TEST_F(ServerTest, TheFrontComesByRisingLatencyOnTheDeviceAskedFor) {
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

TEST_F(ServerTest, ACancelledStudyEndsItsWatch) {
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

TEST_F(ServerTest, AWatchGoesOnAfterItsCursor) {
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

TEST_F(ServerTest, AWatchOutlivesARestartOfTheServer) {
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

TEST_F(ServerTest, WatchingNobodyIsAnErrorThatNamesTheAddress) {
  const std::string address = server_->address();
  server_ = nullptr;
  EXPECT_THAT(client_->Watch("st-00000001", 0, StopToken(), [](const auto&) {}),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("--controller"), HasSubstr(address))));
  EXPECT_THAT(client_->List(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(address)));
}

TEST_F(ServerTest, AStoppedWatchReturns) {
  ASSERT_OK_AND_ASSIGN(const v1::Study study, client_->Submit("r", TinySpec()));
  StopSource stop;
  EXPECT_THAT(client_->Watch(study.id(), 0, stop.token(),
                             [&](const auto&) { stop.RequestStop(); }),
              StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(ServerTest, WorkersAreListedWithTheirTasks) {
  StudyWithTask();
  ASSERT_OK_AND_ASSIGN(const auto lease, Lease(Register("w-1")));
  Register("w-2");
  ASSERT_OK_AND_ASSIGN(const auto workers, client_->Workers());
  ASSERT_EQ(workers.size(), 2);
  EXPECT_EQ(workers[0].worker_id(), "w-1");
  EXPECT_THAT(workers[0].task_ids(), ElementsAre(lease.lease().task().id()));
  EXPECT_THAT(workers[1].task_ids(), IsEmpty());
}

TEST_F(ServerTest, RegistrationsAtFaultAreRefused) {
  v1::RegisterRequest request;
  request.set_worker_id("w");
  EXPECT_THAT(Call(&TaskStub::Register, request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("roles")));
  request.add_roles(v1::TASK_KIND_LATENCY);
  EXPECT_THAT(
      Call(&TaskStub::Register, request),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("devices")));
  request.set_worker_id("");
  EXPECT_THAT(
      Call(&TaskStub::Register, request),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("worker_id")));
}

TEST_F(ServerTest, ALeasedTaskIsRenewedAndCompletedOnce) {
  StudyWithTask();
  const std::string session = Register("w");
  ASSERT_OK_AND_ASSIGN(const auto leased, Lease(session));
  ASSERT_TRUE(leased.has_lease());
  v1::HeartbeatRequest heartbeat;
  heartbeat.set_session(session);
  heartbeat.set_task_id(leased.lease().task().id());
  heartbeat.set_fencing_token(leased.lease().fencing_token());
  ASSERT_OK_AND_ASSIGN(const auto renewed,
                       Call(&TaskStub::Heartbeat, heartbeat));
  EXPECT_EQ(absl::Nanoseconds(renewed.duration_ns()), absl::Seconds(30));

  v1::CompleteTaskRequest complete;
  complete.set_session(session);
  complete.set_task_id(heartbeat.task_id());
  complete.set_fencing_token(heartbeat.fencing_token());
  complete.set_outcome(v1::ATTEMPT_OUTCOME_OK);
  EXPECT_THAT(Call(&TaskStub::CompleteTask, complete),
              StatusIs(absl::StatusCode::kInvalidArgument));
  complete.mutable_result()->mutable_accuracy()->set_int8_top1(0.5);
  complete.mutable_result()->mutable_accuracy()->set_weights_sha256(
      Sha256Hex("w"));
  complete.mutable_result()->mutable_accuracy()->set_package_sha256(
      Sha256Hex("p"));
  complete.mutable_result()->mutable_accuracy()->set_package_bytes(1);
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto completed,
                         Call(&TaskStub::CompleteTask, complete));
    EXPECT_TRUE(completed.counted());
  }
  EXPECT_THAT(Call(&TaskStub::Heartbeat, heartbeat),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(ServerTest, ALeaseWaitsForATask) {
  const std::string session = Register("w");
  absl::StatusOr<v1::LeaseTaskResponse> leased;
  std::thread waiting = WaitForLease(session, leased);
  const v1::Study study = StudyWithTask();
  waiting.join();
  ASSERT_OK(leased);
  EXPECT_EQ(leased->lease().task().study_id(), study.id());
}

TEST_F(ServerTest, WithoutATaskTheLeaseIsEmpty) {
  ASSERT_OK_AND_ASSIGN(const auto leased, Lease(Register("w")));
  EXPECT_FALSE(leased.has_lease());
  EXPECT_THAT(
      Lease(Register("w"), absl::Seconds(-1)),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("wait_ns")));
}

TEST_F(ServerTest, AReplacedSessionMustRegisterAgain) {
  StudyWithTask();
  const std::string old_session = Register("w");
  ASSERT_OK(Lease(old_session));
  const std::string session = Register("w");
  EXPECT_NE(session, old_session);
  EXPECT_THAT(Lease(old_session),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("register again")));
  ASSERT_OK_AND_ASSIGN(const auto leased, Lease(session));
  EXPECT_TRUE(leased.has_lease()) << "the old session's task is free";
}

TEST_F(ServerTest, BlobsGoUpAndComeDown) {
  const std::string bytes = std::string(1 << 20, 'a') + std::string(1000, 'b');
  const std::string digest = Sha256Hex(bytes);
  EXPECT_THAT(PutChunks({Chunk(digest, bytes.substr(0, 1 << 20)),
                         Chunk("", bytes.substr(1 << 20))}),
              IsOkAndHolds(digest));
  EXPECT_THAT(GetBlob(digest), IsOkAndHolds(bytes));
  const std::string empty = Sha256Hex("");
  EXPECT_THAT(PutChunks({Chunk(empty, "")}), IsOkAndHolds(empty));
  EXPECT_THAT(GetBlob(empty), IsOkAndHolds(""));
}

TEST_F(ServerTest, BlobsAtFaultAreRefused) {
  EXPECT_THAT(PutChunks({}), StatusIs(absl::StatusCode::kInvalidArgument,
                                      HasSubstr("sha256")));
  EXPECT_THAT(PutChunks({Chunk("", "x")}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(PutChunks({Chunk(Sha256Hex("x"), "y")}),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(GetBlob(Sha256Hex("y")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(GetBlob("../../etc/passwd"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  const std::string chunk(1 << 20, 'z');
  const std::vector<v1::BlobChunk> four(4, Chunk(Sha256Hex("z"), chunk));
  EXPECT_THAT(PutChunks(four), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(PutChunks({Chunk(Sha256Hex("z"), chunk + "z")}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1 MiB")));
}

TEST_F(ServerTest, ShutdownEndsWaitsAndStreams) {
  const std::string session = Register("w");
  ASSERT_OK_AND_ASSIGN(const v1::Study study, client_->Submit("r", TinySpec()));
  absl::StatusOr<v1::LeaseTaskResponse> leased;
  std::thread waiting = WaitForLease(session, leased);
  grpc::ClientContext context;
  v1::WatchStudyRequest request;
  request.set_study_id(study.id());
  auto reader = studies_->WatchStudy(&context, request);
  v1::StudyEvent event;
  ASSERT_TRUE(reader->Read(&event));
  const absl::Duration before = RealClock().Monotonic();
  server_->Shutdown();
  const absl::Duration took = RealClock().Monotonic() - before;
  EXPECT_LT(took, kPatience / 2) << "the waits were not ended";
  waiting.join();
  EXPECT_THAT(leased, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(reader->Read(&event));
  EXPECT_THAT(FromGrpc(reader->Finish()),
              StatusIs(absl::StatusCode::kUnavailable));
  server_->Shutdown();  // again does nothing
}

TEST_F(ServerTest, ABusyPortIsNamed) {
  const auto second = Server::Start({.listen = server_->address()},
                                    store_.get(), blobs_.get(), &RealClock());
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kUnavailable,
                               AllOf(HasSubstr("--listen"),
                                     HasSubstr(server_->address()))));
}

TEST_F(ServerTest, PlaintextStaysOnTheLoopback) {
  for (const std::string listen : {"0.0.0.0:0", "127.example.com:0",
                                   "127.0.0.1.example.com:0", "[::]:0"}) {
    EXPECT_THAT(Server::Start({.listen = listen}, store_.get(), blobs_.get(),
                              &RealClock()),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("loopback"), HasSubstr("--insecure"))))
        << listen;
  }
  const auto open = Server::Start({.listen = "0.0.0.0:0", .insecure = true},
                                  store_.get(), blobs_.get(), &RealClock());
  EXPECT_OK(open);
}

TEST_F(ServerTest, AddressesAtFaultAreNamed) {
  for (const std::string listen : {"", "50051", ":50051", "127.0.0.1:x",
                                   "127.0.0.1:65536", "127.0.0.1:-1"}) {
    EXPECT_THAT(
        Server::Start({.listen = listen}, store_.get(), blobs_.get(),
                      &RealClock()),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--listen")))
        << listen;
  }
  EXPECT_THAT(
      StudyClient::Create("nowhere"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--controller")));
}

TEST_F(ServerTest, MissingCertificatesAreNamed) {
  EXPECT_THAT(
      Server::Start({.tls_cert = "/nowhere/cert.pem",
                     .tls_key = "/nowhere/key.pem",
                     .tls_ca = "/nowhere/ca.pem"},
                    store_.get(), blobs_.get(), &RealClock()),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/key.pem")));
}

}  // namespace
}  // namespace frostnas::search
