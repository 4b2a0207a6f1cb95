// One connection of an adb server to the phone.
//
// Reads messages on a thread of its own and serves each stream on another.
// Thread-safe.
#ifndef FROSTNAS_TESTS_PHONE_CONNECTION_H_
#define FROSTNAS_TESTS_PHONE_CONNECTION_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "base/stop.h"
#include "tests/phone/adb_protocol.h"
#include "tests/phone/device.h"
#include "tests/phone/stream.h"

namespace frostnas::phone {

class Connection {
 public:
  // Takes the socket. `device` must outlive it.
  Connection(Device& device, int socket);
  // Drops, and waits for the streams' services.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Closes the socket and ends the streams; does not wait.
  void Drop() ABSL_LOCKS_EXCLUDED(mutex_);
  // Answers the CNXN that was held back, if the phone now may.
  void Greet() ABSL_LOCKS_EXCLUDED(mutex_, write_mutex_);
  // Dropped, and nothing runs for it any more.
  bool finished() const ABSL_LOCKS_EXCLUDED(mutex_);
  bool greeted() const { return greeted_; }

 private:
  struct Service {
    std::shared_ptr<Stream> stream;
    std::thread thread;
    bool finished = false;
  };
  using Services = std::map<uint32_t, Service>;

  void Run();
  absl::Status Handle(AdbMessage message);
  absl::Status OnConnect(const AdbMessage& message);
  void OnAuth(const AdbMessage& message);
  void Open(const AdbMessage& message) ABSL_LOCKS_EXCLUDED(mutex_);
  void Serve(uint32_t id, Stream& stream, const std::string& service)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Dispatch(const std::string& service, Stream& stream);
  // The stream of an own id that messages may go to; null: none.
  std::shared_ptr<Stream> Find(uint32_t id) ABSL_LOCKS_EXCLUDED(mutex_);
  bool Send(const AdbMessage& message) ABSL_LOCKS_EXCLUDED(write_mutex_);
  // Forgets services that ended.
  void Sweep() ABSL_LOCKS_EXCLUDED(mutex_);

  Device& device_;
  const int socket_;
  StopSource dropped_;
  absl::Mutex write_mutex_;  // one message at a time
  AdbMessageParser parser_;  // of the reading thread
  std::atomic<bool> greeted_ = false;
  std::atomic<size_t> max_payload_ = kAdbMinPayload;
  mutable absl::Mutex mutex_;
  bool waits_for_greeting_ ABSL_GUARDED_BY(mutex_) = false;
  bool reading_ ABSL_GUARDED_BY(mutex_) = true;
  uint32_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  Services services_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_CONNECTION_H_
