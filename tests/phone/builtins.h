// Android's command-line tools, as far as tests need them.
#ifndef FROSTNAS_TESTS_PHONE_BUILTINS_H_
#define FROSTNAS_TESTS_PHONE_BUILTINS_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/stop.h"
#include "tests/phone/device.h"

namespace frostnas::phone {

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

// Returns the exit code.
using Builtin = int (*)(const BuiltinCall& call);

// By name. cd, exec, exit and sh are the shell's own.
const std::map<std::string, Builtin>& Builtins();

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_BUILTINS_H_
