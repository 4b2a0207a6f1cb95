// A worker's side of TaskService (proto/frostnas/v1/task_service.proto): the
// only file of workers/ that knows gRPC.
//
// Every call has a deadline. Codes are the server's; UNAVAILABLE and
// DEADLINE_EXCEEDED mean that the server could not be reached: try again.
// Thread-safe: a heartbeat may be sent while a blob is on its way.
#ifndef FROSTNAS_WORKERS_LEASE_CLIENT_H_
#define FROSTNAS_WORKERS_LEASE_CLIENT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "proto/frostnas/v1/task_service.pb.h"

namespace frostnas::workers {

struct LeaseClientOptions {
  std::string controller;  // HOST:PORT
  // Plaintext to an address that is not loopback.
  bool insecure = false;
  // PEM files for TLS: this worker's certificate and key, and the authority
  // that signed the server's certificate. All or none.
  std::string tls_cert, tls_key, tls_ca;
};

class LeaseClient {
 public:
  // INVALID_ARGUMENT: an option, naming it. The server is not called yet.
  static absl::StatusOr<std::unique_ptr<LeaseClient>> Create(
      const LeaseClientOptions& options);
  ~LeaseClient();

  absl::StatusOr<v1::RegisterResponse> Register(
      const v1::RegisterRequest& request);
  // nullopt: no task within the wait.
  absl::StatusOr<std::optional<v1::Lease>> LeaseTask(const std::string& session,
                                                     absl::Duration wait);
  absl::Status Heartbeat(const v1::HeartbeatRequest& request);
  // True when the result was counted.
  absl::StatusOr<bool> Complete(const v1::CompleteTaskRequest& request);
  // At most 512 MiB; DATA_LOSS when the bytes do not have the digest.
  absl::StatusOr<std::string> GetBlob(const std::string& sha256);
  // Returns the digest.
  absl::StatusOr<std::string> PutBlob(absl::string_view bytes);
  // Ends the calls under way with CANCELLED, and so will later ones, but for
  // Complete, which may still be tried for a second each time.
  void Cancel();

 private:
  struct Impl;
  LeaseClient();
  std::unique_ptr<Impl> impl_;
};

}  // namespace frostnas::workers

#endif  // FROSTNAS_WORKERS_LEASE_CLIENT_H_
