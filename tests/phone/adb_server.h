// An adb server of a test's own, and the real client that talks to it.
//
// The server runs on a free port with HOME in a temporary folder, so neither
// the user's keys nor the user's devices are seen. It dies with this object.
// Thread-safe, but for ExportToEnvironment.
#ifndef FROSTNAS_TESTS_PHONE_ADB_SERVER_H_
#define FROSTNAS_TESTS_PHONE_ADB_SERVER_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "base/stop.h"

namespace frostnas::phone {

struct AdbResult {
  int exit_code = -1;  // -1: killed by a signal or at the timeout
  bool timed_out = false;
  std::string stdout_text, stderr_text;
  absl::Duration took;
};

class AdbServer {
 public:
  // Finds `adb` by PATH. NOT_FOUND without it, UNAVAILABLE when the server
  // does not come up.
  static absl::StatusOr<std::unique_ptr<AdbServer>> Start();
  ~AdbServer();
  AdbServer(const AdbServer&) = delete;
  AdbServer& operator=(const AdbServer&) = delete;

  int port() const { return port_; }
  // "NAME=VALUE" of what makes a client use this server, beside the test's
  // own environment.
  const std::vector<std::string>& environment() const { return environment_; }
  // Sets these in this process: for code under test that starts `adb` itself.
  // Call before other threads are started.
  void ExportToEnvironment() const;

  // Runs `adb ARGUMENTS`, killed at the timeout or when stopped.
  AdbResult Run(const std::vector<std::string>& arguments,
                absl::Duration timeout = absl::Seconds(30),
                const StopToken& stop = StopToken()) const;
  // Runs `adb -s SERIAL shell COMMAND`.
  AdbResult Shell(const std::string& serial, const std::string& command,
                  absl::Duration timeout = absl::Seconds(30)) const;
  // `adb connect SERIAL`, repeated until the device answers as "device". Where
  // the server holds on to a dead connection ("already connected" to an offline
  // device), it is disconnected first.
  absl::Status Connect(const std::string& serial,
                       absl::Duration timeout = absl::Seconds(30)) const;

 private:
  AdbServer(TempDir home, int port);

  TempDir home_;
  int port_;
  pid_t pid_ = -1;
  std::vector<std::string> environment_;
};

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_ADB_SERVER_H_
