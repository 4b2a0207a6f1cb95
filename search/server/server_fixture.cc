#include "search/server/server_fixture.h"

#include "base/clock.h"
#include "base/status_matchers.h"
#include "db/memory_blob_store.h"
#include "db/memory_store.h"
#include "search/testing/tiny_study.h"

namespace frostnas::search {

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

ServerFixture::ServerFixture()
    : store_(db::NewMemoryStore(&RealClock())),
      blobs_(db::NewMemoryBlobStore(&RealClock(), kMaxBlobBytes)) {
  StartServer("127.0.0.1:0");
}

void ServerFixture::StartServer(const std::string& listen) {
  auto server = Server::Start({.listen = listen}, store_.get(), blobs_.get(),
                              &RealClock());
  ASSERT_OK(server);
  server_ = *std::move(server);
  auto client = StudyClient::Create(server_->address());
  ASSERT_OK(client);
  client_ = *std::move(client);
  const auto channel = grpc::CreateChannel(server_->address(),
                                           grpc::InsecureChannelCredentials());
  tasks_ = v1::TaskService::NewStub(channel);
  studies_ = v1::StudyService::NewStub(channel);
}

std::string ServerFixture::Register(const std::string& worker_id) {
  v1::RegisterRequest request;
  request.set_worker_id(worker_id);
  request.add_roles(v1::TASK_KIND_ACCURACY);
  const auto response = Call(&TaskStub::Register, request);
  EXPECT_OK(response);
  return response.ok() ? response->session() : "";
}

absl::StatusOr<v1::LeaseTaskResponse> ServerFixture::Lease(
    const std::string& session, absl::Duration wait) {
  v1::LeaseTaskRequest request;
  request.set_session(session);
  request.set_wait_ns(absl::ToInt64Nanoseconds(wait));
  return Call(&TaskStub::LeaseTask, request);
}

std::thread ServerFixture::WaitForLease(
    const std::string& session, absl::StatusOr<v1::LeaseTaskResponse>& leased) {
  const int64_t registered_at_ns = LastHeardNs();
  std::thread waiting(
      [this, session, &leased] { leased = Lease(session, kPatience); });
  while (LastHeardNs() == registered_at_ns) std::this_thread::yield();
  return waiting;
}

v1::Study ServerFixture::StudyWithTask() {
  v1::Study study =
      client_->Submit("with-task", TinySpec()).value_or(v1::Study());
  v1::Task task;
  task.set_max_attempts(3);
  task.mutable_accuracy()->mutable_architecture()->set_name("n");
  EXPECT_OK(store_->CreateTasks(study.id(), {{.key = "one", .task = task}}));
  return study;
}

int64_t ServerFixture::LastHeardNs() {
  const auto workers = client_->Workers();
  return workers.ok() && workers->size() == 1
             ? workers->front().last_heard_at_ns()
             : -1;
}

}  // namespace frostnas::search
