// How one of Android's command-line tools is called, and what all of them do
// with their arguments and errors.
#ifndef FROSTNAS_TESTS_PHONE_BUILTIN_CALL_H_
#define FROSTNAS_TESTS_PHONE_BUILTIN_CALL_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/stop.h"
#include "tests/phone/device.h"

namespace frostnas::phone {

using Args = std::vector<std::string>;

// False: nobody reads any more.
using ShellOutput = std::function<bool(absl::string_view)>;

struct BuiltinCall {
  Device& device;
  std::string directory;          // of the phone
  std::vector<std::string> args;  // args[0] is the name
  ShellOutput out, err;
  std::string stdin_file;  // of the host
  StopToken closed;

  std::string HostPath(absl::string_view path) const;
};

// Options are single letters; the rest are operands.
struct Parsed {
  std::string options;
  Args operands;

  bool Has(char option) const {
    return options.find(option) != std::string::npos;
  }
};
// Of `args` behind the name.
Parsed Parse(const Args& args);

// Both return 1, the exit code.
int Complain(const BuiltinCall& call, absl::string_view what);
int ComplainErrno(const BuiltinCall& call, absl::string_view what, int error);

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_BUILTIN_CALL_H_
