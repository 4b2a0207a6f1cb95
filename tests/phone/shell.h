// The phone's shell: runs command lines in the device's files.
//
// Builtins stand for Android's tools (builtins.h). Anything else is a file of
// the phone: a program, or a script of this shell. Arguments that name the
// phone's files are given to programs as paths of the host.
//
// Thread-compatible: one thread runs it.
#ifndef FROSTNAS_TESTS_PHONE_SHELL_H_
#define FROSTNAS_TESTS_PHONE_SHELL_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/stop.h"
#include "tests/phone/builtins.h"
#include "tests/phone/device.h"
#include "tests/phone/programs.h"
#include "tests/phone/shell_parser.h"

namespace frostnas::phone {

// What a command line is connected to.
struct ShellStreams {
  ShellOutput out, err;
  // The client went away.
  StopToken closed;
  // Whether the end of the stream reaches programs: always with a terminal;
  // without, only a program that took the shell's place hears of it, since the
  // signal is sent to one process.
  bool terminal = false;
};

class Shell {
 public:
  Shell(Device& device, ShellStreams streams);

  // The exit code: 127 not found, 126 not executable, 2 for syntax.
  int Run(absl::string_view text);

 private:
  // Of one command, after its redirections.
  struct Redirected {
    ShellOutput out, err;
    std::string stdin_file;
  };

  int RunScript(const ShellScript& script);
  int RunCommand(const SimpleCommand& command, bool alone);
  int RunWords(std::vector<std::string> words,
               std::vector<std::string> environment, bool alone,
               const Redirected& streams);
  int RunFile(std::vector<std::string> words,
              std::vector<std::string> environment, bool alone,
              const Redirected& streams);
  int ChangeDirectory(const std::vector<std::string>& words);
  int RunSh(const std::vector<std::string>& words, const Redirected& streams);

  // Empty where a file could not be opened; that was reported.
  std::optional<Redirected> Redirect(const SimpleCommand& command);
  ShellOutput OpenOutput(const std::string& path, bool append);

  std::string Expand(const Word& word) const;
  // With patterns of files.
  std::vector<std::string> ExpandAll(const std::vector<Word>& words) const;
  std::string HostPath(absl::string_view path) const;
  // With each of the phone's paths as one of the host's.
  std::string MapArgument(absl::string_view argument) const;
  bool Complain(const std::string& what) const;

  Device& device_;
  const ShellStreams streams_;
  std::string directory_ = "/";
  std::map<std::string, std::string> variables_;
  int status_ = 0;
  int depth_ = 0;
  bool exited_ = false;
};

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_SHELL_H_
