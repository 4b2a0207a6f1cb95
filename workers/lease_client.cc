#include "workers/lease_client.h"

#include <grpc/grpc.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/file.h"
#include "base/loopback.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "proto/frostnas/v1/task_service.grpc.pb.h"

namespace frostnas::workers {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(20);
constexpr absl::Duration kBlobTimeout = absl::Minutes(10);
// Of a report once the worker is stopping.
constexpr absl::Duration kLastCallTimeout = absl::Seconds(1);
constexpr size_t kChunkBytes = size_t{1} << 20;
constexpr size_t kMaxBlobBytes = size_t{512} << 20;
constexpr int64_t kMaxPemBytes = 1 << 20;

// gRPC stays until the process ends: its end waits up to 10 s for a write that
// its receiver left behind, such as of a blob when the controller has gone.
void KeepGrpc() {
  [[maybe_unused]] static const bool kept = (grpc_init(), true);
}

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(
    const LeaseClientOptions& options) {
  if (options.tls_cert.empty() && options.tls_key.empty() &&
      options.tls_ca.empty()) {
    if (!IsLoopbackAddress(options.controller) && !options.insecure) {
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

// The calls under way, so that all can be ended at once.
struct CallSet {
  absl::Mutex mutex;
  bool cancelled ABSL_GUARDED_BY(mutex) = false;
  std::set<grpc::ClientContext*> contexts ABSL_GUARDED_BY(mutex);
};

// One call, from before it is made until its result is there.
class ScopedCall {
 public:
  // `last`: the call may still be made after Cancel, with a short deadline.
  ScopedCall(CallSet& calls, absl::Duration timeout, bool last = false)
      : calls_(calls) {
    absl::MutexLock lock(&calls_.mutex);
    allowed_ = !calls_.cancelled || last;
    if (calls_.cancelled) timeout = std::min(timeout, kLastCallTimeout);
    context_.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    calls_.contexts.insert(&context_);
  }
  ~ScopedCall() {
    absl::MutexLock lock(&calls_.mutex);
    calls_.contexts.erase(&context_);
  }
  ScopedCall(const ScopedCall&) = delete;
  ScopedCall& operator=(const ScopedCall&) = delete;

  // CANCELLED: the call must not be made any more.
  absl::Status Check() const {
    if (allowed_) return absl::OkStatus();
    return absl::CancelledError("the worker is stopping");
  }
  grpc::ClientContext* context() { return &context_; }

 private:
  CallSet& calls_;
  grpc::ClientContext context_;
  bool allowed_ = false;
};

template <typename Request, typename Response>
using Method = grpc::Status (v1::TaskService::Stub::*)(grpc::ClientContext*,
                                                       const Request&,
                                                       Response*);

// One unary call.
template <typename Request, typename Response>
absl::StatusOr<Response> Call(v1::TaskService::Stub& stub,
                              Method<Request, Response> method,
                              const Request& request, ScopedCall& call) {
  RETURN_IF_ERROR(call.Check());
  Response response;
  const grpc::Status status =
      (stub.*method)(call.context(), request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response;
}

}  // namespace

struct LeaseClient::Impl {
  std::unique_ptr<v1::TaskService::Stub> stub;
  CallSet calls;
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
  KeepGrpc();
  grpc::ChannelArguments arguments;
  // A controller that restarts should be found again within a second.
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  auto client = absl::WrapUnique(new LeaseClient());
  client->impl_->stub = v1::TaskService::NewStub(
      grpc::CreateCustomChannel(options.controller, credentials, arguments));
  return client;
}

absl::StatusOr<v1::RegisterResponse> LeaseClient::Register(
    const v1::RegisterRequest& request) {
  ScopedCall call(impl_->calls, kCallTimeout);
  return Call(*impl_->stub, &v1::TaskService::Stub::Register, request, call);
}

absl::StatusOr<std::optional<v1::Lease>> LeaseClient::LeaseTask(
    const std::string& session, absl::Duration wait) {
  v1::LeaseTaskRequest request;
  request.set_session(session);
  request.set_wait_ns(absl::ToInt64Nanoseconds(wait));
  ScopedCall call(impl_->calls, wait + kCallTimeout);
  ASSIGN_OR_RETURN(
      v1::LeaseTaskResponse response,
      Call(*impl_->stub, &v1::TaskService::Stub::LeaseTask, request, call));
  if (!response.has_lease()) return std::nullopt;
  return std::move(*response.mutable_lease());
}

absl::Status LeaseClient::Heartbeat(const v1::HeartbeatRequest& request) {
  ScopedCall call(impl_->calls, kCallTimeout);
  return Call(*impl_->stub, &v1::TaskService::Stub::Heartbeat, request, call)
      .status();
}

absl::StatusOr<bool> LeaseClient::Complete(
    const v1::CompleteTaskRequest& request) {
  ScopedCall call(impl_->calls, kCallTimeout, /*last=*/true);
  ASSIGN_OR_RETURN(
      const v1::CompleteTaskResponse response,
      Call(*impl_->stub, &v1::TaskService::Stub::CompleteTask, request, call));
  return response.counted();
}

absl::StatusOr<std::string> LeaseClient::GetBlob(const std::string& sha256) {
  ScopedCall call(impl_->calls, kBlobTimeout);
  RETURN_IF_ERROR(call.Check());
  v1::GetBlobRequest request;
  request.set_sha256(sha256);
  auto reader = impl_->stub->GetBlob(call.context(), request);
  std::string bytes;
  v1::BlobChunk chunk;
  while (reader->Read(&chunk)) {
    if (bytes.size() + chunk.data().size() > kMaxBlobBytes) {
      call.context()->TryCancel();
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
  ScopedCall call(impl_->calls, kBlobTimeout);
  RETURN_IF_ERROR(call.Check());
  v1::PutBlobResponse response;
  auto writer = impl_->stub->PutBlob(call.context(), &response);
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
  CallSet& calls = impl_->calls;
  absl::MutexLock lock(&calls.mutex);
  calls.cancelled = true;
  for (grpc::ClientContext* context : calls.contexts) context->TryCancel();
}

}  // namespace frostnas::workers
