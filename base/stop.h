// Asking long work to stop, and waits that end when it should.
//
//   StopSource source;
//   Train(..., source.token());       // checks token.StopRequested()
//   source.RequestStop();             // from any thread
//
// A StopToken is cheap to copy and outlives its source safely. A default token
// never stops. Everything here is safe on any thread.

#ifndef FROSTNAS_BASE_STOP_H_
#define FROSTNAS_BASE_STOP_H_

#include <functional>
#include <optional>
#include <stop_token>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace frostnas {

class StopToken {
 public:
  // A token that never stops.
  StopToken() = default;

  bool StopRequested() const { return token_.stop_requested(); }

  // OK, or CANCELLED when a stop was requested: for RETURN_IF_ERROR in loops.
  absl::Status Check() const;

  // Waits in real time until `timeout` has passed or a stop is requested,
  // whichever is first. Returns StopRequested().
  bool WaitFor(absl::Duration timeout) const;

 private:
  friend class StopSource;
  friend class StopCallback;
  explicit StopToken(std::stop_token token) : token_(std::move(token)) {}

  std::stop_token token_;
};

// Runs `callback` once when a stop is requested: on the thread that requests
// it, or at once here when that has happened already. The destructor waits for
// a running callback, so what the callback uses must outlive this object only.
class StopCallback {
 public:
  StopCallback(const StopToken& token, std::function<void()> callback)
      : callback_(token.token_, std::move(callback)) {}

 private:
  std::stop_callback<std::function<void()>> callback_;
};

class StopSource {
 public:
  StopSource() = default;

  // Also stops when `parent` does.
  explicit StopSource(const StopToken& parent);

  StopSource(const StopSource&) = delete;
  StopSource& operator=(const StopSource&) = delete;

  // Runs the callbacks of the tokens before it returns.
  void RequestStop() { source_.request_stop(); }
  StopToken token() const { return StopToken(source_.get_token()); }

 private:
  std::stop_source source_;
  std::optional<StopCallback> parent_;
};

// From now on SIGINT, SIGTERM and, unless it is ignored (nohup), SIGHUP request
// a stop of the returned token, once for the whole process; a second signal
// ends the process at once with exit code 128 + signal. Further calls return
// the same token.
StopToken StopOnSignals();

}  // namespace frostnas

#endif  // FROSTNAS_BASE_STOP_H_
