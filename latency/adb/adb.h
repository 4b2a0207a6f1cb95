// Phones through the real `adb` client, each call an argument vector with a
// deadline. What a phone prints is data: bounded, and never part of a command.
//
//   const Adb adb({});
//   RETURN_IF_ERROR(adb.Connect("127.0.0.1:5555", stop));
//   ASSIGN_OR_RETURN(const std::string model,
//                    adb.Shell(serial, {"getprop", "ro.product.model"}, {}));
//
// Errors of all functions, naming the phone and what was tried:
//   UNAVAILABLE        not connected, offline, or the connection broke
//   PERMISSION_DENIED  the phone has not allowed this computer
//   DEADLINE_EXCEEDED  no answer in time; nothing is known of the effect
//   RESOURCE_EXHAUSTED the phone's storage is full, or it printed too much
//   CANCELLED          a stop was requested
//   FAILED_PRECONDITION there is no `adb` on this computer
//   INTERNAL           everything else that adb says
// Shell also ABORTED: the phone's command ended with another code than 0.
//
// Thread-safe.
#ifndef FROSTNAS_LATENCY_ADB_ADB_H_
#define FROSTNAS_LATENCY_ADB_ADB_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/stop.h"

namespace frostnas::latency {

struct AdbOptions {
  std::string program = "adb";
  // "NAME=VALUE"; tests give the client a server of their own.
  std::vector<std::string> environment;
  // Of a call that moves no file and runs no program.
  absl::Duration deadline = absl::Seconds(15);
  // A file's transfer gets `deadline` and this much time a MiB.
  absl::Duration deadline_per_mib = absl::Seconds(2);
};

// A line of `adb devices`.
struct AdbDevice {
  std::string serial;
  std::string state;  // "device", "offline", "unauthorized", ...
};

struct ShellOptions {
  absl::Duration deadline;  // 0: AdbOptions'
  StopToken stop;
  // On the phone, where the command runs; empty: anywhere.
  std::string folder;
  // Standard output as it comes; pieces end anywhere.
  std::function<void(absl::string_view piece)> on_output;
};

class Adb {
 public:
  explicit Adb(AdbOptions options) : options_(std::move(options)) {}

  // Makes the phone reachable: for a serial of the form HOST:PORT over TCP;
  // others are there or not. OK where it already is.
  absl::Status Connect(const std::string& serial, const StopToken& stop) const;
  // Forgets a TCP phone, so that Connect starts afresh. Others: nothing.
  absl::Status Disconnect(const std::string& serial,
                          const StopToken& stop) const;

  // Runs one command on the phone and returns its standard output. Each
  // argument arrives as it is. A connection that breaks is UNAVAILABLE however
  // adb itself ends: the command is followed by a mark that must arrive.
  absl::StatusOr<std::string> Shell(const std::string& serial,
                                    const std::vector<std::string>& argv,
                                    const ShellOptions& options) const;

  // Contents of small files, "" where one cannot be read, in one call a few.
  absl::StatusOr<std::vector<std::string>> ReadFiles(
      const std::string& serial, const std::vector<std::string>& paths,
      const StopToken& stop) const;

  absl::Status Push(const std::string& serial, const std::string& local,
                    const std::string& remote, const StopToken& stop) const;
  absl::Status Reboot(const std::string& serial, const StopToken& stop) const;

 private:
  // adb's standard output. `serial` is for messages.
  absl::StatusOr<std::string> Run(const std::string& serial,
                                  const std::vector<std::string>& command,
                                  const ShellOptions& options) const;
  // The same, of this phone among all that adb knows.
  absl::StatusOr<std::string> RunOn(const std::string& serial,
                                    std::vector<std::string> command,
                                    const ShellOptions& options) const;
  // A line for the phone's shell, made of quoted arguments.
  absl::StatusOr<std::string> RunLine(const std::string& serial,
                                      const std::string& line,
                                      const ShellOptions& options) const;
  absl::Duration TransferDeadline(int64_t bytes) const;

  const AdbOptions options_;
};

// `argument` in single quotes, as a POSIX shell reads it.
std::string ShellQuote(absl::string_view argument);

// The lines of `adb devices`; what is none of them is skipped.
std::vector<AdbDevice> ParseAdbDevices(absl::string_view text);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_ADB_ADB_H_
