// Both services over a real connection on the loopback, with stores in memory.
#ifndef FROSTNAS_SEARCH_SERVER_SERVER_FIXTURE_H_
#define FROSTNAS_SEARCH_SERVER_SERVER_FIXTURE_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "db/blob_store.h"
#include "db/store.h"
#include "gtest/gtest.h"
#include "proto/frostnas/v1/study_service.grpc.pb.h"
#include "proto/frostnas/v1/task_service.grpc.pb.h"
#include "search/server/server.h"
#include "search/server/study_client.h"

namespace frostnas::search {

using TaskStub = v1::TaskService::Stub;
using StudyStub = v1::StudyService::Stub;

// Of a blob in the server's store, at most.
inline constexpr int64_t kMaxBlobBytes = 3 << 20;
// Long enough for any machine; no test waits for it when it passes.
inline constexpr absl::Duration kPatience = absl::Seconds(60);

absl::Status FromGrpc(const grpc::Status& status);

class ServerFixture : public ::testing::Test {
 protected:
  ServerFixture();

  void StartServer(const std::string& listen);

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

  // The session.
  std::string Register(const std::string& worker_id);

  absl::StatusOr<v1::LeaseTaskResponse> Lease(
      const std::string& session, absl::Duration wait = absl::ZeroDuration());

  // Of the only worker; returns when the server has the call. Fills `leased`.
  std::thread WaitForLease(const std::string& session,
                           absl::StatusOr<v1::LeaseTaskResponse>& leased);

  // A study with one accuracy task.
  v1::Study StudyWithTask();

  std::unique_ptr<db::Store> store_;
  std::unique_ptr<db::BlobStore> blobs_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<StudyClient> client_;
  std::unique_ptr<TaskStub> tasks_;
  std::unique_ptr<StudyStub> studies_;

 private:
  // From the only worker.
  int64_t LastHeardNs();
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SERVER_SERVER_FIXTURE_H_
