// The gRPC server of a controller: both services, health, reflection, and the
// thread that takes back expired leases.
//
// Plaintext is served on loopback addresses only, unless `insecure` says that
// the network is trusted; otherwise TLS with client certificates.
//
// INVALID_ARGUMENT: an address or file of the options, naming it.
// UNAVAILABLE: the port cannot be bound (busy, not permitted).
// Thread-compatible.
#ifndef FROSTNAS_SEARCH_SERVER_SERVER_H_
#define FROSTNAS_SEARCH_SERVER_SERVER_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "base/clock.h"
#include "db/blob_store.h"
#include "db/store.h"
#include "search/server/study_service.h"
#include "search/server/task_service.h"

namespace grpc {
class Server;
}  // namespace grpc

namespace frostnas::search {

struct ServerOptions {
  // HOST:PORT; port 0 takes a free one.
  std::string listen = "127.0.0.1:0";
  bool insecure = false;
  // PEM files: the server's certificate and key, and the authority that signed
  // the clients' certificates. All or none.
  std::string tls_cert, tls_key, tls_ca;
  TaskServiceOptions tasks;
};

class Server {
 public:
  // Nothing is owned; all must outlive the server.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const ServerOptions& options, db::Store* store, db::BlobStore* blobs,
      const Clock* clock);
  // Stops as Shutdown does.
  ~Server();

  // Where it listens, with the port taken: "127.0.0.1:40123".
  const std::string& address() const { return address_; }

  // Ends streams and waits, gives calls under way up to a second, closes the
  // port. Idempotent.
  void Shutdown();

 private:
  Server(const ServerOptions& options, db::Store* store, db::BlobStore* blobs,
         const Clock* clock);
  void ExpireLeases();

  db::Store& store_;
  StudyServiceImpl studies_;
  TaskServiceImpl tasks_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  absl::Notification stop_;
  std::thread reaper_;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SERVER_SERVER_H_
