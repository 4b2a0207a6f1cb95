// A phone for tests: start here.
//
// An adb daemon on a loopback port, for the real adb client: it serves shell,
// exec, sync and reboot, runs commands in a folder that stands for the phone's
// file system, and fails on demand.
//
//   ASSERT_OK_AND_ASSIGN(auto server, AdbServer::Start());
//   ASSERT_OK_AND_ASSIGN(auto phone, TestPhone::Start({}));
//   server->Run({"connect", phone->serial()});
//   phone->Inject({.kind = FaultKind::kHot, .duration = absl::Seconds(2)});
//   server->Run({"-s", phone->serial(), "shell", "cat", "/proc/cpuinfo"});
//
// What differs from a phone: everything runs as the test's user, on the host's
// cores; a program sees the phone's files where its arguments name them or
// relative names lead there, and an arm64 program also by absolute paths.
//
// Thread-safe. Stops in the destructor: connections drop, programs are killed.
#ifndef FROSTNAS_TESTS_PHONE_PHONE_H_
#define FROSTNAS_TESTS_PHONE_PHONE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/phone/condition.h"
#include "tests/phone/fault.h"

namespace frostnas::phone {

struct PhoneOptions {
  // 0: any.
  int port = 0;
  // The folder that is the phone's "/"; empty: one of its own, removed at the
  // end.
  std::string root;
  Condition condition = DefaultCondition();
  // Of the service `reboot:` that a client asks for.
  absl::Duration reboot_time = absl::Milliseconds(300);
  // From accepting connections again until sys.boot_completed is 1.
  absl::Duration boot_time = absl::Milliseconds(300);
};

// What happened so far.
struct PhoneLog {
  std::vector<std::string> commands;  // of shell and exec, in order of arrival
  std::vector<std::string> pushes;    // paths of files received whole
  std::vector<FaultKind> faults;      // that took effect
  int connections = 0;                // that got as far as CNXN
  int programs = 0;                   // started
  int reboots = 0;
};

class TestPhone {
 public:
  // UNAVAILABLE when the port is taken; errors of making the folder.
  static absl::StatusOr<std::unique_ptr<TestPhone>> Start(PhoneOptions options);
  ~TestPhone();
  TestPhone(const TestPhone&) = delete;
  TestPhone& operator=(const TestPhone&) = delete;

  int port() const;
  // "127.0.0.1:PORT".
  std::string serial() const;
  // "localhost:PORT": the same phone under another name, as when it hangs on a
  // cable and on the network at a time.
  std::string other_serial() const;
  const std::string& root() const;
  // Where `phone_path` ("/data/local/tmp/x") lies on the host.
  std::string HostPath(absl::string_view phone_path) const;

  // Conditions, in effect when the call returns. They outlive faults and
  // reboots. `zone` and `core` must exist.
  void SetTemperature(int zone, int milli_degrees);
  void SetFrequency(int core, int khz);
  void SetGovernor(int core, absl::string_view governor);
  void SetOnlineCores(const std::vector<int>& cores);
  void SetFreeBytes(int64_t free_bytes);
  void SetProperty(absl::string_view name, absl::string_view value);

  void Inject(const Fault& fault);
  void Inject(const FaultPlan& plan);
  // Ends and forgets all faults, a reboot included.
  void Calm();
  // Waits until no fault is waiting or holding; false at the timeout.
  bool AwaitCalm(absl::Duration timeout);

  PhoneLog log() const;
  // Programs that run now.
  int running_programs() const;
  // Waits until that is `count`; false at the timeout.
  bool AwaitRunningPrograms(int count, absl::Duration timeout);

 private:
  class Impl;
  explicit TestPhone(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_PHONE_H_
