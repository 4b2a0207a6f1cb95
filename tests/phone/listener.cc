#include "tests/phone/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace frostnas::phone {
namespace {

constexpr int kBacklog = 16;

absl::StatusOr<int> BoundSocket(int port) {
  const int made =
      socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  CHECK(made >= 0);
  const int on = 1;
  setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(made, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    return made;
  }
  const int error = errno;
  close(made);
  return absl::UnavailableError(
      absl::StrCat("127.0.0.1:", port, ": ", strerror(error)));
}

}  // namespace

absl::Status Listener::Start(int port, std::function<void(int)> accept) {
  accept_ = std::move(accept);
  ASSIGN_OR_RETURN(keeper_, BoundSocket(port));
  sockaddr_in address = {};
  socklen_t size = sizeof(address);
  CHECK(getsockname(keeper_, reinterpret_cast<sockaddr*>(&address), &size) ==
        0);
  port_ = ntohs(address.sin_port);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  CHECK(wake_ >= 0);
  {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(Listen());
  }
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

absl::Status Listener::Listen() {
  ASSIGN_OR_RETURN(listening_, BoundSocket(port_));
  if (listen(listening_, kBacklog) == 0) return absl::OkStatus();
  const int error = errno;
  close(std::exchange(listening_, -1));
  return absl::UnavailableError(
      absl::StrCat("127.0.0.1:", port_, ": ", strerror(error)));
}

void Listener::Stop() {
  if (thread_.joinable()) {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    const uint64_t one = 1;
    CHECK(write(wake_, &one, sizeof(one)) == sizeof(one));
    thread_.join();
  }
  absl::MutexLock lock(&mutex_);
  for (int* each : {&keeper_, &wake_, &listening_}) {
    if (*each >= 0) close(std::exchange(*each, -1));
  }
}

void Listener::Refuse(bool refuse) {
  absl::MutexLock lock(&mutex_);
  if (stopping_ || wake_ < 0 || refuse == (listening_ < 0)) return;
  if (refuse) {
    close(std::exchange(listening_, -1));
  } else {
    CHECK_OK(Listen());
  }
  // The thread looks at another socket from now on.
  const uint64_t one = 1;
  CHECK(write(wake_, &one, sizeof(one)) == sizeof(one));
}

void Listener::Run() {
  for (;;) {
    std::array<pollfd, 2> fds = {{{wake_, POLLIN, 0}, {-1, POLLIN, 0}}};
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
      fds[1].fd = listening_;
    }
    if (poll(fds.data(), fds.size(), -1) < 0) continue;
    uint64_t count = 0;
    if (fds[0].revents != 0 && read(wake_, &count, sizeof(count)) < 0) continue;
    int accepted = -1;
    {
      absl::MutexLock lock(&mutex_);
      if (listening_ >= 0) {
        accepted = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
      }
    }
    if (accepted < 0) continue;
    const int on = 1;
    setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    accept_(accepted);
  }
}

}  // namespace frostnas::phone
