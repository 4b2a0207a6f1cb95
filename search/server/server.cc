#include "search/server/server.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <chrono>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loopback.h"
#include "base/status_macros.h"

namespace frostnas::search {
namespace {

constexpr int kMaxMessageBytes = 16 << 20;
constexpr int64_t kMaxPemBytes = 1 << 20;
constexpr absl::Duration kReapEvery = absl::Seconds(1);

// gRPC stays until the process ends: its end waits up to 10 s for a write that
// its receiver left behind, such as of a blob that was refused.
void KeepGrpc() {
  [[maybe_unused]] static const bool kept = (grpc_init(), true);
}

// gRPC's own lines, which repeat in its words what statuses say in ours.
void LogForDebugging(gpr_log_func_args* args) {
  LOG(DEBUG) << "gRPC: " << args->message;
}

struct HostPort {
  std::string host;
  int port = 0;
};

absl::StatusOr<HostPort> SplitAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  HostPort result;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(address.substr(colon + 1), &result.port) ||
      result.port < 0 || result.port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--listen: \"", address, "\" is not HOST:PORT, e.g. 127.0.0.1:50051"));
  }
  result.host = address.substr(0, colon);
  return result;
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> Credentials(
    const ServerOptions& options, const std::string& host) {
  const bool tls = !options.tls_cert.empty() || !options.tls_key.empty() ||
                   !options.tls_ca.empty();
  if (!tls) {
    if (!IsLoopbackHost(host) && !options.insecure) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--listen: ", host, " is not a loopback address: give --tls_cert, ",
          "--tls_key and --tls_ca, or --insecure on a trusted network"));
    }
    return grpc::InsecureServerCredentials();
  }
  grpc::SslServerCredentialsOptions ssl(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  grpc::SslServerCredentialsOptions::PemKeyCertPair pair;
  ASSIGN_OR_RETURN(pair.private_key, ReadFile(options.tls_key, kMaxPemBytes));
  ASSIGN_OR_RETURN(pair.cert_chain, ReadFile(options.tls_cert, kMaxPemBytes));
  ssl.pem_key_cert_pairs.push_back(std::move(pair));
  ASSIGN_OR_RETURN(ssl.pem_root_certs, ReadFile(options.tls_ca, kMaxPemBytes));
  return grpc::SslServerCredentials(ssl);
}

}  // namespace

Server::Server(const ServerOptions& options, db::Store* store,
               db::BlobStore* blobs, const Clock* clock)
    : store_(*store),
      studies_(store, clock),
      tasks_(store, blobs, options.tasks) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const ServerOptions& options, db::Store* store, db::BlobStore* blobs,
    const Clock* clock) {
  ASSIGN_OR_RETURN(const HostPort address, SplitAddress(options.listen));
  ASSIGN_OR_RETURN(auto credentials, Credentials(options, address.host));
  auto server = absl::WrapUnique(new Server(options, store, blobs, clock));

  KeepGrpc();
  gpr_set_log_function(LogForDebugging);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(options.listen, credentials, &port);
  // A second process on the same port would take half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.RegisterService(&server->studies_);
  builder.RegisterService(&server->tasks_);
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || port == 0) {
    return absl::UnavailableError(absl::StrCat(
        "--listen: cannot listen on ", options.listen,
        ": the port is busy or not permitted; choose another, or port 0"));
  }
  server->address_ = absl::StrCat(address.host, ":", port);
  server->reaper_ = std::thread([raw = server.get()] { raw->ExpireLeases(); });
  return server;
}

Server::~Server() { Shutdown(); }

void Server::Shutdown() {
  if (!stop_.HasBeenNotified()) stop_.Notify();
  if (reaper_.joinable()) reaper_.join();
  if (server_ == nullptr) return;
  studies_.Stop();
  tasks_.Stop();
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  server_->Wait();
  server_ = nullptr;
}

void Server::ExpireLeases() {
  while (!stop_.WaitForNotificationWithTimeout(kReapEvery)) {
    const auto expired = store_.ExpireLeases();
    if (!expired.ok()) {
      LOG(WARNING) << "expired leases: " << expired.status().ToString();
      continue;
    }
    for (const v1::Attempt& attempt : *expired) {
      LOG(WARNING) << "lost " << attempt.task_id() << ": worker "
                   << attempt.worker_id() << " fell silent";
    }
  }
}

}  // namespace frostnas::search
