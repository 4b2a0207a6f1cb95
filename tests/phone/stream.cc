#include "tests/phone/stream.h"

#include <utility>

namespace frostnas::phone {

Stream::Stream(Ids ids, size_t max_payload, Send send)
    : ids_(ids), max_payload_(max_payload), send_(std::move(send)) {}

bool Stream::Read(size_t count, std::string* bytes) {
  while (taken_.size() < count) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &Stream::CanRead));
      // What came before the end counts.
      if (input_.empty()) return false;
      taken_.append(std::exchange(input_, ""));
      if (is_closed_) continue;
    }
    SendOkay();
  }
  bytes->assign(taken_, 0, count);
  taken_.erase(0, count);
  return true;
}

void Stream::IgnoreInput() {
  {
    absl::MutexLock lock(&mutex_);
    ignore_input_ = true;
    if (is_closed_ || std::exchange(input_, "").empty()) return;
  }
  SendOkay();
}

bool Stream::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &Stream::CanWrite));
      if (is_closed_) return false;
      ready_ = false;
    }
    const absl::string_view part = bytes.substr(0, max_payload_);
    if (!send_({kAdbWrite, ids_.own, ids_.peer, std::string(part)})) {
      return false;
    }
    bytes.remove_prefix(part.size());
  }
  return true;
}

void Stream::Close() {
  {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(is_closed_, true)) return;
  }
  send_({kAdbClose, ids_.own, ids_.peer, ""});
  closed_.RequestStop();
}

absl::Status Stream::OnWrite(std::string payload) {
  {
    absl::MutexLock lock(&mutex_);
    if (is_closed_) return absl::OkStatus();
    if (!input_.empty()) {
      return absl::FailedPreconditionError("a WRTE before the OKAY");
    }
    if (!ignore_input_ && !payload.empty()) {
      input_ = std::move(payload);
      return absl::OkStatus();
    }
  }
  SendOkay();
  return absl::OkStatus();
}

void Stream::OnOkay() {
  absl::MutexLock lock(&mutex_);
  ready_ = true;
}

void Stream::OnClose() {
  {
    absl::MutexLock lock(&mutex_);
    is_closed_ = true;
  }
  closed_.RequestStop();
}

}  // namespace frostnas::phone
