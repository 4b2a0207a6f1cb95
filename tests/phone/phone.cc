#include "tests/phone/phone.h"

#include <algorithm>
#include <list>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/phone/connection.h"
#include "tests/phone/device.h"
#include "tests/phone/listener.h"

namespace frostnas::phone {

class TestPhone::Impl {
 public:
  Impl(PhoneOptions options, std::optional<TempDir> own_root)
      : own_root_(std::move(own_root)),
        device_({.root = options.root,
                 .condition = std::move(options.condition),
                 .reboot_time = options.reboot_time,
                 .boot_time = options.boot_time,
                 .drop_connections = [this] { DropConnections(); },
                 .link_changed = [this](bool refuse) { OnLink(refuse); }}) {}

  ~Impl() {
    device_.Calm();
    listener_.Stop();
    device_.programs().Stop();
    std::list<Connection> connections;
    {
      absl::MutexLock lock(&mutex_);
      closing_ = true;
      connections.swap(connections_);
    }
    for (Connection& each : connections) each.Drop();
  }

  absl::Status Start(int port) {
    RETURN_IF_ERROR(device_.Prepare());
    return listener_.Start(port, [this](int socket) { Accept(socket); });
  }

  Device& device() { return device_; }
  int port() const { return listener_.port(); }

  int connections() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    int count = greeted_before_;
    for (const Connection& each : connections_) count += each.greeted();
    return count;
  }

 private:
  void Accept(int socket) ABSL_LOCKS_EXCLUDED(mutex_) {
    std::list<Connection> finished;  // destroyed outside the lock
    absl::MutexLock lock(&mutex_);
    for (auto it = connections_.begin(); it != connections_.end();) {
      const auto each = it++;
      if (!each->finished()) continue;
      greeted_before_ += each->greeted();
      finished.splice(finished.end(), connections_, each);
    }
    connections_.emplace_back(device_, socket);
    // It may have been accepted just before.
    if (closing_ || refusing_) connections_.back().Drop();
  }

  void DropConnections() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    for (Connection& each : connections_) each.Drop();
  }

  void OnLink(bool refuse) ABSL_LOCKS_EXCLUDED(mutex_) {
    listener_.Refuse(refuse);
    absl::MutexLock lock(&mutex_);
    refusing_ = refuse;
    for (Connection& each : connections_) each.Greet();
  }

  const std::optional<TempDir> own_root_;
  mutable absl::Mutex mutex_;
  std::list<Connection> connections_ ABSL_GUARDED_BY(mutex_);
  int greeted_before_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool refusing_ ABSL_GUARDED_BY(mutex_) = false;
  Listener listener_;
  Device device_;
};

absl::StatusOr<std::unique_ptr<TestPhone>> TestPhone::Start(
    PhoneOptions options) {
  std::optional<TempDir> own_root;
  if (options.root.empty()) {
    ASSIGN_OR_RETURN(own_root, TempDir::Create());
    options.root = own_root->path();
  }
  const int port = options.port;
  auto impl = std::make_unique<Impl>(std::move(options), std::move(own_root));
  RETURN_IF_ERROR(impl->Start(port));
  return std::unique_ptr<TestPhone>(new TestPhone(std::move(impl)));
}

TestPhone::TestPhone(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

TestPhone::~TestPhone() = default;

int TestPhone::port() const { return impl_->port(); }

std::string TestPhone::serial() const {
  return absl::StrCat("127.0.0.1:", port());
}

std::string TestPhone::other_serial() const {
  return absl::StrCat("localhost:", port());
}

const std::string& TestPhone::root() const { return impl_->device().root(); }

std::string TestPhone::HostPath(absl::string_view phone_path) const {
  return impl_->device().HostPath(phone_path);
}

void TestPhone::SetTemperature(int zone, int milli_degrees) {
  impl_->device().Change([=](Condition& condition) {
    condition.zones.at(static_cast<size_t>(zone)).milli_degrees = milli_degrees;
  });
}

void TestPhone::SetFrequency(int core, int khz) {
  impl_->device().Change([=](Condition& condition) {
    condition.cores.at(static_cast<size_t>(core)).current_khz = khz;
  });
}

void TestPhone::SetGovernor(int core, absl::string_view governor) {
  impl_->device().Change([&](Condition& condition) {
    condition.cores.at(static_cast<size_t>(core)).governor =
        std::string(governor);
  });
}

void TestPhone::SetOnlineCores(const std::vector<int>& cores) {
  impl_->device().Change([&](Condition& condition) {
    for (size_t i = 0; i < condition.cores.size(); ++i) {
      condition.cores[i].online = std::find(cores.begin(), cores.end(),
                                            static_cast<int>(i)) != cores.end();
    }
  });
}

void TestPhone::SetFreeBytes(int64_t free_bytes) {
  impl_->device().Change(
      [=](Condition& condition) { condition.free_bytes = free_bytes; });
}

void TestPhone::SetProperty(absl::string_view name, absl::string_view value) {
  impl_->device().Change([&](Condition& condition) {
    condition.properties[std::string(name)] = std::string(value);
  });
}

void TestPhone::Inject(const Fault& fault) {
  impl_->device().faults().Inject(fault);
}

void TestPhone::Inject(const FaultPlan& plan) {
  for (const Fault& fault : plan) Inject(fault);
}

void TestPhone::Calm() { impl_->device().Calm(); }

bool TestPhone::AwaitCalm(absl::Duration timeout) {
  return impl_->device().faults().AwaitEmpty(timeout);
}

PhoneLog TestPhone::log() const {
  Device& device = impl_->device();
  return {.commands = device.commands(),
          .pushes = device.pushes(),
          .faults = device.faults().Taken(),
          .connections = impl_->connections(),
          .programs = device.programs().started(),
          .reboots = device.reboots()};
}

int TestPhone::running_programs() const {
  return impl_->device().programs().running();
}

bool TestPhone::AwaitRunningPrograms(int count, absl::Duration timeout) {
  return impl_->device().programs().AwaitRunning(count, timeout);
}

}  // namespace frostnas::phone
