// A loopback port that can refuse for a while and stays the same.
//
// Thread-safe, but for Start.
#ifndef FROSTNAS_TESTS_PHONE_LISTENER_H_
#define FROSTNAS_TESTS_PHONE_LISTENER_H_

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace frostnas::phone {

class Listener {
 public:
  Listener() = default;
  ~Listener() { Stop(); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Listens on 127.0.0.1; 0: any port. Each connection is given to `accept`,
  // with its socket, on a thread of the listener. UNAVAILABLE: the port is
  // taken.
  absl::Status Start(int port, std::function<void(int socket)> accept);
  // Accepts no more; waits for a running `accept`.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  int port() const { return port_; }
  // Connections are refused, or accepted again.
  void Refuse(bool refuse) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Listen() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Bound and never listening: keeps the port while connections are refused.
  int keeper_ = -1;
  int wake_ = -1;
  int port_ = 0;
  std::function<void(int)> accept_;
  absl::Mutex mutex_;
  int listening_ ABSL_GUARDED_BY(mutex_) = -1;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_LISTENER_H_
