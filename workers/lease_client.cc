#include "workers/lease_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "proto/frostnas/v1/task_service.grpc.pb.h"

namespace frostnas::workers {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(20);
constexpr absl::Duration kBlobTimeout = absl::Minutes(10);
constexpr size_t kChunkBytes = size_t{1} << 20;
constexpr size_t kMaxBlobBytes = size_t{512} << 20;
constexpr int64_t kMaxPemBytes = 1 << 20;

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

bool IsLoopback(absl::string_view address) {
  return absl::StartsWith(address, "127.") ||
         absl::StartsWith(address, "localhost:") ||
         absl::StartsWith(address, "[::1]:");
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(
    const LeaseClientOptions& options) {
  if (options.tls_cert.empty() && options.tls_key.empty() &&
      options.tls_ca.empty()) {
    if (!IsLoopback(options.controller) && !options.insecure) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--controller: ", options.controller, " is not a loopback address: ",
          "give --tls_cert, --tls_key and --tls_ca, or --insecure on a ",
          "trusted network"));
    }
    return grpc::InsecureChannelCredentials();
  }
  grpc::SslCredentialsOptions ssl;
  ASSIGN_OR_RETURN(ssl.pem_cert_chain,
                   ReadFile(options.tls_cert, kMaxPemBytes));
  ASSIGN_OR_RETURN(ssl.pem_private_key,
                   ReadFile(options.tls_key, kMaxPemBytes));
  ASSIGN_OR_RETURN(ssl.pem_root_certs, ReadFile(options.tls_ca, kMaxPemBytes));
  return grpc::SslCredentials(ssl);
}

}  // namespace

struct LeaseClient::Impl {
  std::unique_ptr<v1::TaskService::Stub> stub;
  absl::Mutex mutex;
  bool cancelled ABSL_GUARDED_BY(mutex) = false;
  // The wait under way, so that Cancel can end it.
  grpc::ClientContext* waiting ABSL_GUARDED_BY(mutex) = nullptr;

  bool BeginWait(grpc::ClientContext* context) {
    absl::MutexLock lock(&mutex);
    if (cancelled) return false;
    waiting = context;
    return true;
  }
  void EndWait() {
    absl::MutexLock lock(&mutex);
    waiting = nullptr;
  }
};

LeaseClient::LeaseClient() : impl_(std::make_unique<Impl>()) {}
LeaseClient::~LeaseClient() = default;

absl::StatusOr<std::unique_ptr<LeaseClient>> LeaseClient::Create(
    const LeaseClientOptions& options) {
  if (!absl::StrContains(options.controller, ':')) {
    return absl::InvalidArgumentError(
        absl::StrCat("--controller: \"", options.controller,
                     "\" is not HOST:PORT, e.g. 127.0.0.1:50051"));
  }
  ASSIGN_OR_RETURN(auto credentials, Credentials(options));
  grpc::ChannelArguments arguments;
  // A controller that restarts should be found again within a second.
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  auto client = absl::WrapUnique(new LeaseClient());
  client->impl_->stub = v1::TaskService::NewStub(
      grpc::CreateCustomChannel(options.controller, credentials, arguments));
  return client;
}

namespace {

// One unary call with a deadline.
template <typename Request, typename Response>
absl::StatusOr<Response> Call(
    v1::TaskService::Stub& stub,
    grpc::Status (v1::TaskService::Stub::*method)(grpc::ClientContext*,
                                                  const Request&, Response*),
    const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response;
}

}  // namespace

absl::StatusOr<v1::RegisterResponse> LeaseClient::Register(
    const v1::RegisterRequest& request) {
  return Call(*impl_->stub, &v1::TaskService::Stub::Register, request);
}

absl::StatusOr<std::optional<v1::Lease>> LeaseClient::LeaseTask(
    const std::string& session, absl::Duration wait) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + wait + kCallTimeout));
  v1::LeaseTaskRequest request;
  request.set_session(session);
  request.set_wait_ns(absl::ToInt64Nanoseconds(wait));
  v1::LeaseTaskResponse response;
  if (!impl_->BeginWait(&context)) {
    return absl::CancelledError("the worker is stopping");
  }
  const grpc::Status status =
      impl_->stub->LeaseTask(&context, request, &response);
  impl_->EndWait();
  if (!status.ok()) return FromGrpc(status);
  if (!response.has_lease()) return std::nullopt;
  return std::move(*response.mutable_lease());
}

absl::Status LeaseClient::Heartbeat(const v1::HeartbeatRequest& request) {
  return Call(*impl_->stub, &v1::TaskService::Stub::Heartbeat, request)
      .status();
}

absl::StatusOr<bool> LeaseClient::Complete(
    const v1::CompleteTaskRequest& request) {
  ASSIGN_OR_RETURN(
      const v1::CompleteTaskResponse response,
      Call(*impl_->stub, &v1::TaskService::Stub::CompleteTask, request));
  return response.counted();
}

absl::StatusOr<std::string> LeaseClient::GetBlob(const std::string& sha256) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kBlobTimeout));
  v1::GetBlobRequest request;
  request.set_sha256(sha256);
  auto reader = impl_->stub->GetBlob(&context, request);
  std::string bytes;
  v1::BlobChunk chunk;
  while (reader->Read(&chunk)) {
    if (bytes.size() + chunk.data().size() > kMaxBlobBytes) {
      context.TryCancel();
      return absl::ResourceExhaustedError(
          absl::StrCat("blob ", sha256, " is larger than 512 MiB"));
    }
    bytes += chunk.data();
  }
  RETURN_IF_ERROR(FromGrpc(reader->Finish()));
  if (Sha256Hex(bytes) != sha256) {
    return absl::DataLossError(
        absl::StrCat("blob ", sha256, " arrived with another digest"));
  }
  return bytes;
}

absl::StatusOr<std::string> LeaseClient::PutBlob(absl::string_view bytes) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kBlobTimeout));
  v1::PutBlobResponse response;
  auto writer = impl_->stub->PutBlob(&context, &response);
  v1::BlobChunk chunk;
  chunk.set_sha256(Sha256Hex(bytes));
  size_t sent = 0;
  do {
    chunk.set_data(std::string(bytes.substr(sent, kChunkBytes)));
    sent += chunk.data().size();
  } while (writer->Write(chunk) && sent < bytes.size());
  writer->WritesDone();
  RETURN_IF_ERROR(FromGrpc(writer->Finish()));
  return response.sha256();
}

void LeaseClient::Cancel() {
  absl::MutexLock lock(&impl_->mutex);
  impl_->cancelled = true;
  if (impl_->waiting != nullptr) impl_->waiting->TryCancel();
}

}  // namespace frostnas::workers
