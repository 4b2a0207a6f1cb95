#include "tests/phone/builtin_call.h"

#include <cstring>

#include "absl/strings/str_cat.h"

namespace frostnas::phone {

std::string BuiltinCall::HostPath(absl::string_view path) const {
  if (path == "/dev/null") return "/dev/null";
  return device.HostPath(NormalPath(directory, path));
}

Parsed Parse(const Args& args) {
  Parsed parsed;
  for (size_t i = 1; i < args.size(); ++i) {
    if (parsed.operands.empty() && args[i].size() > 1 && args[i][0] == '-') {
      absl::StrAppend(&parsed.options, args[i].substr(1));
    } else {
      parsed.operands.push_back(args[i]);
    }
  }
  return parsed;
}

int Complain(const BuiltinCall& call, absl::string_view what) {
  call.err(absl::StrCat(call.args[0], ": ", what, "\n"));
  return 1;
}

int ComplainErrno(const BuiltinCall& call, absl::string_view what, int error) {
  return Complain(call, absl::StrCat(what, ": ", strerror(error)));
}

}  // namespace frostnas::phone
