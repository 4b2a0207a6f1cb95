#include "tests/phone/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "tests/phone/shell_service.h"
#include "tests/phone/sync_service.h"

namespace frostnas::phone {
namespace {

// What a client may have open at a time.
constexpr size_t kMaxStreams = 64;
constexpr size_t kTokenBytes = 20;

std::string Banner(const Device& device) {
  const auto properties = device.Properties();
  std::string banner = "device::";
  for (const char* name :
       {"ro.product.name", "ro.product.model", "ro.product.device"}) {
    const auto found = properties.find(name);
    if (found == properties.end()) continue;
    // adb separates by these.
    std::string value = found->second;
    std::replace(value.begin(), value.end(), ';', '_');
    absl::StrAppend(&banner, name, "=", value, ";");
  }
  return absl::StrCat(banner, "features=shell_v2,stat_v2,fixed_push_mkdir");
}

}  // namespace

Connection::Connection(Device& device, int socket)
    : device_(device), socket_(socket), thread_([this] { Run(); }) {}

Connection::~Connection() {
  Drop();
  thread_.join();
  Services services;
  {
    absl::MutexLock lock(&mutex_);
    services.swap(services_);
  }
  for (auto& [id, service] : services) service.thread.join();
  close(socket_);
}

void Connection::Drop() {
  dropped_.RequestStop();
  shutdown(socket_, SHUT_RDWR);
  std::vector<std::shared_ptr<Stream>> streams;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [id, service] : services_) {
      streams.push_back(service.stream);
    }
  }
  for (const auto& stream : streams) stream->OnClose();
}

bool Connection::finished() const {
  absl::MutexLock lock(&mutex_);
  return !reading_ &&
         std::all_of(services_.begin(), services_.end(),
                     [](const auto& each) { return each.second.finished; });
}

void Connection::Run() {
  std::array<char, 1 << 16> buffer;
  absl::Status status;
  while (status.ok()) {
    absl::StatusOr<std::optional<AdbMessage>> message = parser_.Next();
    status = message.status();
    if (!status.ok()) break;
    if (message->has_value()) {
      if (!device_.link().Pass(dropped_.token())) break;
      status = Handle(**std::move(message));
      continue;
    }
    const ssize_t count = recv(socket_, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    // Else a client that still waits for an acknowledgement before it sends
    // the next small message waits 40 ms.
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
    parser_.Append({buffer.data(), static_cast<size_t>(count)});
  }
  if (!status.ok()) LOG(DEBUG) << "connection dropped: " << status;
  Drop();
  absl::MutexLock lock(&mutex_);
  reading_ = false;
}

bool Connection::Send(const AdbMessage& message) {
  if (!device_.link().Pass(dropped_.token())) return false;
  const std::string bytes = EncodeAdbMessage(message);
  absl::MutexLock lock(&write_mutex_);
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count =
        send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    sent += static_cast<size_t>(count);
  }
  return true;
}

absl::Status Connection::Handle(AdbMessage message) {
  if (message.command == kAdbConnect) return OnConnect(message);
  if (message.command == kAdbAuth) {
    OnAuth(message);
    return absl::OkStatus();
  }
  // Whatever comes before CNXN is ignored.
  if (!greeted_) return absl::OkStatus();
  if (message.command == kAdbOpen) {
    Open(message);
    return absl::OkStatus();
  }
  const std::shared_ptr<Stream> stream = Find(message.arg1);
  // It may have been closed meanwhile.
  if (stream == nullptr) return absl::OkStatus();
  switch (message.command) {
    case kAdbWrite:
      return stream->OnWrite(std::move(message.payload));
    case kAdbOkay:
      stream->OnOkay();
      return absl::OkStatus();
    default:
      stream->OnClose();
      return absl::OkStatus();
  }
}

absl::Status Connection::OnConnect(const AdbMessage& message) {
  if (message.arg0 < kAdbOldestVersion || message.arg1 < kAdbMinPayload) {
    return absl::InvalidArgumentError("a version or payload that is too small");
  }
  parser_.set_version(std::min<uint32_t>(message.arg0, kAdbVersionWithoutSum));
  max_payload_ = std::min<size_t>(message.arg1, kAdbMaxPayload);
  {
    absl::MutexLock lock(&mutex_);
    waits_for_greeting_ = true;
  }
  if (device_.link().greeting() == Greeting::kAskConsent) {
    Send({kAdbAuth, kAdbAuthToken, 0, std::string(kTokenBytes, 't')});
  }
  Greet();
  return absl::OkStatus();
}

// No signature is good enough: the next token, or the user, is asked.
void Connection::OnAuth(const AdbMessage& message) {
  if (device_.link().greeting() == Greeting::kAskConsent &&
      message.arg0 == kAdbAuthSignature) {
    Send({kAdbAuth, kAdbAuthToken, 0, std::string(kTokenBytes, 't')});
  }
}

void Connection::Greet() {
  // A hung phone greets later; the one who tells of the change must not wait.
  const Link& link = device_.link();
  if (link.greeting() != Greeting::kWelcome || link.hung()) return;
  {
    absl::MutexLock lock(&mutex_);
    if (!std::exchange(waits_for_greeting_, false)) return;
  }
  greeted_ = true;
  Send({kAdbConnect, kAdbVersionWithoutSum, kAdbMaxPayload, Banner(device_)});
}

std::shared_ptr<Stream> Connection::Find(uint32_t id) {
  absl::MutexLock lock(&mutex_);
  const auto found = services_.find(id);
  return found == services_.end() ? nullptr : found->second.stream;
}

void Connection::Sweep() {
  std::vector<std::thread> ended;
  {
    absl::MutexLock lock(&mutex_);
    for (auto it = services_.begin(); it != services_.end();) {
      if (!it->second.finished) {
        ++it;
        continue;
      }
      ended.push_back(std::move(it->second.thread));
      it = services_.erase(it);
    }
  }
  for (std::thread& thread : ended) thread.join();
}

void Connection::Open(const AdbMessage& message) {
  Sweep();
  if (message.arg0 == 0) return;
  // The name ends with a zero byte, or with the message.
  const std::string service =
      message.payload.substr(0, message.payload.find('\0'));
  uint32_t id = 0;
  std::shared_ptr<Stream> stream;
  {
    absl::MutexLock lock(&mutex_);
    if (services_.size() < kMaxStreams) {
      id = next_id_++;
      stream = std::make_shared<Stream>(
          Stream::Ids{id, message.arg0}, max_payload_,
          [this](const AdbMessage& each) { return Send(each); });
    }
  }
  const bool known = service == "sync:" || absl::StartsWith(service, "exec:") ||
                     absl::StartsWith(service, "shell:") ||
                     absl::StartsWith(service, "shell,") ||
                     absl::StartsWith(service, "reboot:");
  if (stream == nullptr || !known) {
    Send({kAdbClose, 0, message.arg0, ""});
    return;
  }
  Send({kAdbOkay, id, message.arg0, ""});
  absl::MutexLock lock(&mutex_);
  Service& entry = services_[id];
  entry.stream = stream;
  entry.thread =
      std::thread([this, id, stream, service] { Serve(id, *stream, service); });
  // Drop may have come first.
  if (dropped_.token().StopRequested()) stream->OnClose();
}

void Connection::Serve(uint32_t id, Stream& stream,
                       const std::string& service) {
  Dispatch(service, stream);
  stream.Close();
  absl::MutexLock lock(&mutex_);
  services_[id].finished = true;
}

void Connection::Dispatch(const std::string& service, Stream& stream) {
  absl::string_view rest = service;
  if (service == "sync:") {
    ServeSync(device_, stream);
  } else if (absl::ConsumePrefix(&rest, "exec:") ||
             absl::ConsumePrefix(&rest, "shell:")) {
    ServeShell(device_, stream, ShellProtocol::kRaw, std::string(rest));
  } else if (absl::ConsumePrefix(&rest, "reboot:")) {
    stream.IgnoreInput();
    device_.Reboot();
  } else {
    // shell,ARGUMENTS:COMMAND
    const size_t colon = rest.find(':');
    const absl::string_view arguments = rest.substr(0, colon);
    const std::string command =
        colon == rest.npos ? "" : std::string(rest.substr(colon + 1));
    ServeShell(device_, stream,
               absl::StrContains(arguments, "v2") ? ShellProtocol::kPackets
                                                  : ShellProtocol::kRaw,
               command);
  }
}

}  // namespace frostnas::phone
