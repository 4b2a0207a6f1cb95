#include "latency/adb/adb.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/subprocess.h"

namespace frostnas::latency {
namespace {

// adb ends with 0 when a connection breaks under a command, so its end is told
// by the command's own output.
constexpr char kMark[] = "frostnas-done";
// Files read by one call: the line must stay within an old phone's 4 KiB.
constexpr size_t kFilesACall = 24;
constexpr size_t kShownText = 300;

// A serial that `adb connect` takes.
bool IsTcp(const std::string& serial) {
  return absl::StrContains(serial, ':') && !absl::StartsWith(serial, "usb:");
}

// Whether adb itself speaks, and not the phone's command.
bool IsAdbMessage(absl::string_view text) {
  return absl::StartsWith(text, "error:") || absl::StartsWith(text, "adb:") ||
         absl::StartsWith(text, "* ") || absl::StrContains(text, "\nadb: ") ||
         absl::StrContains(text, "\nerror: ");
}

std::string Shown(absl::string_view text) {
  std::string shown(absl::StripAsciiWhitespace(text).substr(0, kShownText));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return shown;
}

// Which fault adb's text tells of.
absl::StatusCode FaultOf(absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(text);
  const auto says = [&](absl::string_view words) {
    return absl::StrContains(lower, words);
  };
  if (says("unauthorized") || says("failed to authenticate")) {
    return absl::StatusCode::kPermissionDenied;
  }
  if (says("no space left")) return absl::StatusCode::kResourceExhausted;
  for (absl::string_view words : {"not found",
                                  "no such device",
                                  "offline",
                                  "no devices",
                                  "closed",
                                  "connection refused",
                                  "connection reset",
                                  "timed out",
                                  "protocol fault",
                                  "failed to connect",
                                  "unable to connect",
                                  "cannot connect",
                                  "eof",
                                  "broken pipe",
                                  "read failed",
                                  "write failed",
                                  "failed to read",
                                  "disconnected",
                                  "no response",
                                  "couldn't read"}) {
    if (says(words)) return absl::StatusCode::kUnavailable;
  }
  return absl::StatusCode::kInternal;
}

absl::Status Fault(const std::string& serial, absl::string_view action,
                   absl::string_view text) {
  return absl::Status(FaultOf(text), absl::StrCat("phone ", serial, ": ",
                                                  action, ": ", Shown(text)));
}

// The phone's name and the action before what went wrong with the program.
absl::Status Named(const std::string& serial, absl::string_view action,
                   const absl::Status& status) {
  if (absl::IsNotFound(status)) {
    return absl::FailedPreconditionError(
        absl::StrCat("phone ", serial, ": ", status.message(),
                     "; install Debian's package adb, or put the Android "
                     "platform tools into PATH"));
  }
  return absl::Status(
      status.code(),
      absl::StrCat("phone ", serial, ": ", action, ": ", status.message()));
}

int64_t FileSize(const std::string& path) {
  struct stat file = {};
  return stat(path.c_str(), &file) == 0 ? file.st_size : 0;
}

std::string FileMark(size_t index) {
  return absl::StrCat("frostnas-file-", index, "-");
}

// What stands between two marks in `output`; nothing without the first.
std::string Between(absl::string_view output, const std::string& begin,
                    const std::string& end) {
  const size_t from = output.find(begin);
  if (from == absl::string_view::npos) return "";
  absl::string_view rest = output.substr(from + begin.size());
  return std::string(
      absl::StripAsciiWhitespace(rest.substr(0, rest.find(end))));
}

}  // namespace

std::string ShellQuote(absl::string_view argument) {
  return absl::StrCat("'", absl::StrReplaceAll(argument, {{"'", "'\\''"}}),
                      "'");
}

std::vector<AdbDevice> ParseAdbDevices(absl::string_view text) {
  std::vector<AdbDevice> devices;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<std::string> fields =
        absl::StrSplit(absl::StripAsciiWhitespace(line), '\t');
    if (fields.size() == 2) devices.push_back({fields[0], fields[1]});
  }
  return devices;
}

absl::Duration Adb::TransferDeadline(int64_t bytes) const {
  const double mib = static_cast<double>(bytes) / (1 << 20);
  return options_.deadline + mib * options_.deadline_per_mib;
}

absl::StatusOr<std::string> Adb::RunOn(const std::string& serial,
                                       std::vector<std::string> command,
                                       const ShellOptions& options) const {
  command.insert(command.begin(), {"-s", serial});
  return Run(serial, command, options);
}

absl::StatusOr<std::string> Adb::Run(const std::string& serial,
                                     const std::vector<std::string>& command,
                                     const ShellOptions& options) const {
  std::vector<std::string> argv = {options_.program};
  argv.insert(argv.end(), command.begin(), command.end());
  const absl::string_view action =
      command.front() == "-s" ? command[2] : command.front();
  absl::StatusOr<SubprocessResult> result =
      RunSubprocess(argv, {.deadline = options.deadline > absl::ZeroDuration()
                                           ? options.deadline
                                           : options_.deadline,
                           .stop = options.stop,
                           .environment = options_.environment,
                           .on_stdout = options.on_output});
  if (!result.ok()) return Named(serial, action, result.status());
  if (result->exit_code == 0) return std::move(result->stdout_text);
  const std::string text =
      absl::StrCat(result->stderr_text, result->stdout_text);
  if (action != "shell" || IsAdbMessage(result->stderr_text)) {
    return Fault(serial, action, text);
  }
  return absl::AbortedError(absl::StrCat("phone ", serial,
                                         ": the command ended with ",
                                         result->exit_code, ": ", Shown(text)));
}

absl::Status Adb::Connect(const std::string& serial,
                          const StopToken& stop) const {
  if (IsTcp(serial)) {
    // It ends with 0 whatever comes of it.
    ASSIGN_OR_RETURN(const std::string text,
                     Run(serial, {"connect", serial}, {.stop = stop}));
    if (!absl::StartsWith(text, "connected to") &&
        !absl::StartsWith(text, "already connected")) {
      return Fault(serial, "connect", text);
    }
  }
  ASSIGN_OR_RETURN(const std::string known,
                   Run(serial, {"devices"}, {.stop = stop}));
  for (const AdbDevice& device : ParseAdbDevices(known)) {
    if (device.serial != serial) continue;
    if (device.state == "device") return absl::OkStatus();
    return Fault(serial, "connect", absl::StrCat("device ", device.state));
  }
  return Fault(serial, "connect", "device not found by adb");
}

absl::Status Adb::Disconnect(const std::string& serial,
                             const StopToken& stop) const {
  if (!IsTcp(serial)) return absl::OkStatus();
  const auto text = Run(serial, {"disconnect", serial}, {.stop = stop});
  // That it was not connected is as good.
  if (absl::IsUnavailable(text.status())) return absl::OkStatus();
  return text.status();
}

absl::StatusOr<std::string> Adb::RunLine(const std::string& serial,
                                         const std::string& line,
                                         const ShellOptions& options) const {
  ASSIGN_OR_RETURN(
      std::string output,
      RunOn(serial, {"shell", absl::StrCat(line, " && echo ", kMark)},
            options));
  const size_t mark = output.rfind(kMark);
  if (mark == std::string::npos) {
    return absl::UnavailableError(absl::StrCat(
        "phone ", serial, ": the connection broke under ", Shown(line)));
  }
  output.resize(mark);
  return output;
}

absl::StatusOr<std::string> Adb::Shell(const std::string& serial,
                                       const std::vector<std::string>& argv,
                                       const ShellOptions& options) const {
  const std::string folder =
      options.folder.empty()
          ? ""
          : absl::StrCat("cd ", ShellQuote(options.folder), " && ");
  const std::string line =
      absl::StrJoin(argv, " ", [](std::string* out, const auto& argument) {
        absl::StrAppend(out, ShellQuote(argument));
      });
  return RunLine(serial, absl::StrCat(folder, line), options);
}

absl::StatusOr<std::vector<std::string>> Adb::ReadFiles(
    const std::string& serial, const std::vector<std::string>& paths,
    const StopToken& stop) const {
  std::vector<std::string> contents;
  for (size_t begin = 0; begin < paths.size(); begin += kFilesACall) {
    const size_t end = std::min(begin + kFilesACall, paths.size());
    std::string line;
    for (size_t i = begin; i < end; ++i) {
      absl::StrAppend(&line, "echo ", FileMark(i), "; cat ",
                      ShellQuote(paths[i]), "; ");
    }
    ASSIGN_OR_RETURN(const std::string output,
                     RunLine(serial, absl::StrCat(line, "echo ", FileMark(end)),
                             {.stop = stop}));
    for (size_t i = begin; i < end; ++i) {
      contents.push_back(Between(output, FileMark(i), FileMark(i + 1)));
    }
  }
  return contents;
}

absl::Status Adb::Push(const std::string& serial, const std::string& local,
                       const std::string& remote, const StopToken& stop) const {
  return RunOn(serial, {"push", local, remote},
               {.deadline = TransferDeadline(FileSize(local)), .stop = stop})
      .status();
}

absl::Status Adb::Reboot(const std::string& serial,
                         const StopToken& stop) const {
  return RunOn(serial, {"reboot"}, {.stop = stop}).status();
}

}  // namespace frostnas::latency
