#include "base/stop.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <stop_token>
#include <thread>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "base/check.h"

namespace frostnas {
namespace {

// A handler may only use these and write().
std::atomic<int> signals_seen{0};
int wake_pipe[2];

void OnSignal(int signal) {
  if (signals_seen.fetch_add(1) > 0) _exit(128 + signal);
  const int saved_errno = errno;
  const char byte = 0;
  // A full pipe already holds a wake-up.
  if (write(wake_pipe[1], &byte, 1) < 0) errno = saved_errno;
}

void RelaySignals(StopSource& source) {
  char byte;
  while (read(wake_pipe[0], &byte, 1) < 0 && errno == EINTR) {
  }
  source.RequestStop();
}

// Lives as long as the process: the handlers refer to it.
StopSource* InstallHandlers() {
  auto* source = new StopSource;
  CHECK(pipe2(wake_pipe, O_CLOEXEC) == 0);
  std::thread([source] { RelaySignals(*source); }).detach();
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  CHECK(sigaction(SIGINT, &action, nullptr) == 0);
  CHECK(sigaction(SIGTERM, &action, nullptr) == 0);
  // Who started the program with nohup wants it to go on.
  struct sigaction hangup = {};
  CHECK(sigaction(SIGHUP, nullptr, &hangup) == 0);
  if (hangup.sa_handler != SIG_IGN) {
    CHECK(sigaction(SIGHUP, &action, nullptr) == 0);
  }
  return source;
}

}  // namespace

absl::Status StopToken::Check() const {
  if (StopRequested()) return absl::CancelledError("stop requested");
  return absl::OkStatus();
}

bool StopToken::WaitFor(absl::Duration timeout) const {
  absl::Notification stopped;
  const std::stop_callback<std::function<void()>> wake(
      token_, [&stopped] { stopped.Notify(); });
  stopped.WaitForNotificationWithTimeout(timeout);
  return StopRequested();
}

StopSource::StopSource(const StopToken& parent) {
  parent_.emplace(parent, [this] { source_.request_stop(); });
}

StopToken StopOnSignals() {
  static StopSource* const source = InstallHandlers();
  return source->token();
}

}  // namespace frostnas
