// One stream of an adb connection, as a service of the phone sees it.
//
// Flow control is the protocol's: whoever wrote waits for OKAY before writing
// again, and OKAY is given when the service has taken what came. Thread-safe:
// one thread serves, the connection's tells what arrives.
#ifndef FROSTNAS_TESTS_PHONE_STREAM_H_
#define FROSTNAS_TESTS_PHONE_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "base/stop.h"
#include "tests/phone/adb_protocol.h"

namespace frostnas::phone {

class Stream {
 public:
  struct Ids {
    uint32_t own = 0;
    uint32_t peer = 0;
  };
  // Sends a message; false: the connection is gone.
  using Send = std::function<bool(const AdbMessage&)>;

  Stream(Ids ids, size_t max_payload, Send send);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // For the service.

  // Waits for `count` bytes. False: the stream closed before.
  bool Read(size_t count, std::string* bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  // From now on what arrives is dropped.
  void IgnoreInput() ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits until all is sent. False: the stream closed before.
  bool Write(absl::string_view bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  // No more of either direction; the peer is told unless it closed first.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);
  // Stops when the stream closes.
  StopToken closed() const { return closed_.token(); }

  // For the connection.

  // FAILED_PRECONDITION: sent without waiting for OKAY.
  absl::Status OnWrite(std::string payload) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnOkay() ABSL_LOCKS_EXCLUDED(mutex_);
  // The peer closed, or the connection is gone.
  void OnClose() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  bool SendOkay() { return send_({kAdbOkay, ids_.own, ids_.peer, ""}); }
  bool CanRead() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return is_closed_ || !input_.empty();
  }
  bool CanWrite() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return is_closed_ || ready_;
  }

  const Ids ids_;
  const size_t max_payload_;
  const Send send_;
  StopSource closed_;
  absl::Mutex mutex_;
  std::string input_ ABSL_GUARDED_BY(mutex_);  // not yet taken, OKAY owed
  bool ignore_input_ ABSL_GUARDED_BY(mutex_) = false;
  bool ready_ ABSL_GUARDED_BY(mutex_) = true;  // OPEN implies an OKAY
  bool is_closed_ ABSL_GUARDED_BY(mutex_) = false;
  // Taken, not yet asked for. Of the service's thread.
  std::string taken_;
};

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_STREAM_H_
