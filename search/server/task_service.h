// TaskService (proto/frostnas/v1/task_service.proto) over a Store and a
// BlobStore. Thread-safe as they are.
#ifndef FROSTNAS_SEARCH_SERVER_TASK_SERVICE_H_
#define FROSTNAS_SEARCH_SERVER_TASK_SERVICE_H_

#include <atomic>

#include "absl/time/time.h"
#include "base/clock.h"
#include "db/blob_store.h"
#include "db/store.h"
#include "proto/frostnas/v1/task_service.grpc.pb.h"

namespace frostnas::search {

struct TaskServiceOptions {
  // How long a lease lasts without a heartbeat; a third of it is the heartbeat
  // interval workers are told.
  absl::Duration lease_duration = absl::Seconds(30);
};

class TaskServiceImpl final : public v1::TaskService::Service {
 public:
  // Nothing is owned; all must outlive the service.
  TaskServiceImpl(db::Store* store, db::BlobStore* blobs,
                  const TaskServiceOptions& options)
      : store_(*store), blobs_(*blobs), options_(options) {}

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
  grpc::Status GetBlob(grpc::ServerContext* context,
                       const v1::GetBlobRequest* request,
                       grpc::ServerWriter<v1::BlobChunk>* writer) override;
  grpc::Status PutBlob(grpc::ServerContext* context,
                       grpc::ServerReader<v1::BlobChunk>* reader,
                       v1::PutBlobResponse* response) override;

  // Ends waits for tasks so that the server can shut down.
  void Stop();

 private:
  db::Store& store_;
  db::BlobStore& blobs_;
  const TaskServiceOptions options_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SERVER_TASK_SERVICE_H_
