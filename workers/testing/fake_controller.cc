#include "workers/testing/fake_controller.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/check.h"

namespace frostnas::workers {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(20);

grpc::Status Ask(const FakeController::Hook& hook, int calls,
                 grpc::ServerContext* context) {
  return hook ? hook(calls, context) : grpc::Status::OK;
}

}  // namespace

FakeController::FakeController() {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  CHECK(server_ != nullptr);
  address_ = absl::StrCat("127.0.0.1:", port);
}

FakeController::~FakeController() {
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

void FakeController::AddTask(const std::string& id) {
  v1::Task task;
  task.set_id(id);
  task.mutable_accuracy()->set_epochs(1);
  AddTask(task);
}

void FakeController::AddTask(const v1::Task& task) {
  absl::MutexLock lock(&mutex_);
  tasks_.push_back(task);
}

std::vector<v1::CompleteTaskRequest> FakeController::AwaitReports(
    size_t count) {
  absl::MutexLock lock(&mutex_);
  const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return reports_.size() >= count;
  };
  mutex_.Await(absl::Condition(&enough));
  return reports_;
}

void FakeController::AwaitHeartbeats(int count) {
  absl::MutexLock lock(&mutex_);
  const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return heartbeats_ >= count;
  };
  mutex_.Await(absl::Condition(&enough));
}

int FakeController::registrations() const {
  absl::MutexLock lock(&mutex_);
  return registrations_;
}

grpc::Status FakeController::Hang(grpc::ServerContext* context) {
  absl::Mutex mutex;
  absl::MutexLock lock(&mutex);
  const auto cancelled = [&context] { return context->IsCancelled(); };
  while (!mutex.AwaitWithTimeout(absl::Condition(&cancelled), kLook)) {
  }
  return grpc::Status::CANCELLED;
}

grpc::Status FakeController::Register(grpc::ServerContext* context,
                                      const v1::RegisterRequest*,
                                      v1::RegisterResponse* response) {
  int calls = 0;
  {
    absl::MutexLock lock(&mutex_);
    calls = registrations_++;
  }
  response->set_session(absl::StrCat("session-", calls));
  response->set_heartbeat_every_ns(
      absl::ToInt64Nanoseconds(absl::Milliseconds(10)));
  return Ask(on_register, calls, context);
}

grpc::Status FakeController::LeaseTask(grpc::ServerContext* context,
                                       const v1::LeaseTaskRequest*,
                                       v1::LeaseTaskResponse* response) {
  int calls = 0;
  {
    absl::MutexLock lock(&mutex_);
    calls = leases_++;
  }
  const grpc::Status asked = Ask(on_lease, calls, context);
  if (!asked.ok()) return asked;
  absl::MutexLock lock(&mutex_);
  const auto ready = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !tasks_.empty() || context->IsCancelled();
  };
  while (!mutex_.AwaitWithTimeout(absl::Condition(&ready), kLook)) {
  }
  if (tasks_.empty()) return grpc::Status::CANCELLED;
  *response->mutable_lease()->mutable_task() = tasks_.front();
  response->mutable_lease()->set_fencing_token(++last_token_);
  tasks_.pop_front();
  return grpc::Status::OK;
}

grpc::Status FakeController::Heartbeat(grpc::ServerContext* context,
                                       const v1::HeartbeatRequest*,
                                       v1::HeartbeatResponse*) {
  int calls = 0;
  {
    absl::MutexLock lock(&mutex_);
    calls = heartbeats_++;
  }
  return Ask(on_heartbeat, calls, context);
}

grpc::Status FakeController::CompleteTask(
    grpc::ServerContext* context, const v1::CompleteTaskRequest* request,
    v1::CompleteTaskResponse* response) {
  int calls = 0;
  {
    absl::MutexLock lock(&mutex_);
    calls = static_cast<int>(reports_.size());
    reports_.push_back(*request);
  }
  response->set_counted(request->outcome() == v1::ATTEMPT_OUTCOME_OK);
  return Ask(on_complete, calls, context);
}

}  // namespace frostnas::workers
