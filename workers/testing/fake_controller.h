// A TaskService on the loopback that answers as a test says, for what a real
// controller does too rarely: refusals, silence, answers that get lost.
//
// Without hooks it registers everybody, leases the tasks given by AddTask in
// order, renews every lease and counts every result. Thread-safe, but for the
// hooks, which are set before a worker is started and are called on threads of
// the server.
#ifndef FROSTNAS_WORKERS_TESTING_FAKE_CONTROLLER_H_
#define FROSTNAS_WORKERS_TESTING_FAKE_CONTROLLER_H_

#include <grpcpp/grpcpp.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "proto/frostnas/v1/task_service.grpc.pb.h"

namespace frostnas::workers {

class FakeController final : public v1::TaskService::Service {
 public:
  // Called with how often the method was called before; a status that is not
  // OK is the answer.
  using Hook = std::function<grpc::Status(int calls, grpc::ServerContext*)>;

  FakeController();
  ~FakeController() override;

  const std::string& address() const { return address_; }

  Hook on_register, on_lease, on_heartbeat, on_complete;

  // An accuracy task of this id.
  void AddTask(const std::string& id);
  void AddTask(const v1::Task& task);

  // Waits until so many reports or heartbeats came (counted or not); returns
  // all reports.
  std::vector<v1::CompleteTaskRequest> AwaitReports(size_t count);
  void AwaitHeartbeats(int count);
  int registrations() const;

  // Keeps a call until its client cancels it: a controller that is there and
  // does not answer.
  static grpc::Status Hang(grpc::ServerContext* context);

  grpc::Status Register(grpc::ServerContext* context,
                        const v1::RegisterRequest* request,
                        v1::RegisterResponse* response) override;
  grpc::Status LeaseTask(grpc::ServerContext* context,
                         const v1::LeaseTaskRequest* request,
                         v1::LeaseTaskResponse* response) override;
  grpc::Status Heartbeat(grpc::ServerContext* context,
                         const v1::HeartbeatRequest* request,
                         v1::HeartbeatResponse* response) override;
  grpc::Status CompleteTask(grpc::ServerContext* context,
                            const v1::CompleteTaskRequest* request,
                            v1::CompleteTaskResponse* response) override;

 private:
  mutable absl::Mutex mutex_;
  std::deque<v1::Task> tasks_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::CompleteTaskRequest> reports_ ABSL_GUARDED_BY(mutex_);
  int registrations_ ABSL_GUARDED_BY(mutex_) = 0;
  int leases_ ABSL_GUARDED_BY(mutex_) = 0;
  int heartbeats_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t last_token_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace frostnas::workers

#endif  // FROSTNAS_WORKERS_TESTING_FAKE_CONTROLLER_H_
