#include "search/server/task_service.h"

#include <algorithm>
#include <string>

#include "absl/random/random.h"
#include "absl/strings/str_format.h"
#include "search/server/grpc_status.h"

namespace frostnas::search {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 20;
constexpr absl::Duration kMaxLeaseWait = absl::Seconds(60);
// How soon a waiting worker that has gone is noticed.
constexpr absl::Duration kWaitStep = absl::Seconds(1);

// Hard to guess: it is what later calls prove themselves with.
std::string NewSession() {
  absl::BitGen random;
  return absl::StrFormat("%016x%016x", absl::Uniform<uint64_t>(random),
                         absl::Uniform<uint64_t>(random));
}

}  // namespace

grpc::Status TaskServiceImpl::Register(grpc::ServerContext*,
                                       const v1::RegisterRequest* request,
                                       v1::RegisterResponse* response) {
  const std::string session = NewSession();
  const absl::Status registered = store_.RegisterWorker(*request, session);
  if (!registered.ok()) return ToGrpcStatus(registered);
  response->set_session(session);
  response->set_heartbeat_every_ns(
      absl::ToInt64Nanoseconds(options_.lease_duration / 3));
  return grpc::Status::OK;
}

grpc::Status TaskServiceImpl::LeaseTask(grpc::ServerContext* context,
                                        const v1::LeaseTaskRequest* request,
                                        v1::LeaseTaskResponse* response) {
  if (request->wait_ns() < 0) {
    return {grpc::StatusCode::INVALID_ARGUMENT, "wait_ns: must be >= 0"};
  }
  const absl::Duration wait =
      std::min(absl::Nanoseconds(request->wait_ns()), kMaxLeaseWait);
  const absl::Time deadline = absl::Now() + wait;
  while (true) {
    const uint64_t seen = store_.tasks_changed().count();
    if (stopping_ || context->IsCancelled()) break;
    auto lease = store_.LeaseTask(request->session(), options_.lease_duration);
    if (!lease.ok()) return ToGrpcStatus(lease.status());
    if (lease->has_value()) {
      *response->mutable_lease() = **std::move(lease);
      return grpc::Status::OK;
    }
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return grpc::Status::OK;
    store_.tasks_changed().Wait(seen, std::min(left, kWaitStep));
  }
  return {grpc::StatusCode::UNAVAILABLE, "the server is shutting down"};
}

grpc::Status TaskServiceImpl::Heartbeat(grpc::ServerContext*,
                                        const v1::HeartbeatRequest* request,
                                        v1::HeartbeatResponse* response) {
  const absl::Status renewed =
      store_.RenewLease({.session = request->session(),
                         .task_id = request->task_id(),
                         .fencing_token = request->fencing_token()},
                        options_.lease_duration, request->progress());
  if (!renewed.ok()) return ToGrpcStatus(renewed);
  response->set_duration_ns(absl::ToInt64Nanoseconds(options_.lease_duration));
  return grpc::Status::OK;
}

grpc::Status TaskServiceImpl::CompleteTask(
    grpc::ServerContext*, const v1::CompleteTaskRequest* request,
    v1::CompleteTaskResponse* response) {
  auto completed =
      store_.CompleteTask({.lease = {.session = request->session(),
                                     .task_id = request->task_id(),
                                     .fencing_token = request->fencing_token()},
                           .outcome = request->outcome(),
                           .error = request->error(),
                           .result = request->result()});
  if (completed.ok()) response->set_counted(completed->counted);
  return ToGrpcStatus(completed.status());
}

grpc::Status TaskServiceImpl::GetBlob(
    grpc::ServerContext*, const v1::GetBlobRequest* request,
    grpc::ServerWriter<v1::BlobChunk>* writer) {
  auto reader = blobs_.NewReader(request->sha256());
  if (!reader.ok()) return ToGrpcStatus(reader.status());
  v1::BlobChunk chunk;
  chunk.set_sha256(request->sha256());
  while (true) {
    auto bytes = (*reader)->Read(kChunkBytes);
    if (!bytes.ok()) return ToGrpcStatus(bytes.status());
    if (bytes->empty()) return grpc::Status::OK;
    chunk.set_data(*std::move(bytes));
    if (!writer->Write(chunk)) return grpc::Status::CANCELLED;
  }
}

grpc::Status TaskServiceImpl::PutBlob(grpc::ServerContext*,
                                      grpc::ServerReader<v1::BlobChunk>* reader,
                                      v1::PutBlobResponse* response) {
  auto writer = blobs_.NewWriter();
  if (!writer.ok()) return ToGrpcStatus(writer.status());
  v1::BlobChunk chunk;
  std::string announced;
  while (reader->Read(&chunk)) {
    if (announced.empty()) announced = chunk.sha256();
    if (chunk.data().size() > kChunkBytes) {
      return {grpc::StatusCode::INVALID_ARGUMENT,
              "data: a chunk has more than 1 MiB"};
    }
    const absl::Status appended = (*writer)->Append(chunk.data());
    if (!appended.ok()) return ToGrpcStatus(appended);
  }
  // A stream that broke off must not become a blob: only its digest tells that
  // it is whole.
  if (announced.empty()) {
    return {grpc::StatusCode::INVALID_ARGUMENT,
            "sha256: the first chunk must carry the blob's digest"};
  }
  auto digest = (*writer)->Commit(announced);
  if (digest.ok()) response->set_sha256(*digest);
  return ToGrpcStatus(digest.status());
}

void TaskServiceImpl::Stop() {
  stopping_ = true;
  store_.tasks_changed().Notify();
}

}  // namespace frostnas::search
