#include "tests/phone/program_builtins.h"

#include <signal.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace frostnas::phone {
namespace {

// The signal of "-9", "-KILL", "-SIGKILL" or "-s KILL", taken out of `args`.
int TakeSignal(Args& args) {
  const std::pair<absl::string_view, int> names[] = {
      {"KILL", SIGKILL}, {"TERM", SIGTERM}, {"HUP", SIGHUP}, {"INT", SIGINT}};
  for (size_t i = 1; i < args.size(); ++i) {
    absl::string_view name = args[i];
    if (!absl::ConsumePrefix(&name, "-") || name == "f") continue;
    absl::ConsumePrefix(&name, "SIG");
    int signal = 0;
    if (!absl::SimpleAtoi(name, &signal)) {
      for (const auto& [known, number] : names) {
        if (name == known) signal = number;
      }
    }
    if (signal == 0 && name != "0") continue;
    args.erase(args.begin() + static_cast<ptrdiff_t>(i));
    return signal;
  }
  return SIGTERM;
}

// By a pattern anywhere in the command line, with -f or without. Calls `use`
// with each program.
template <typename Use>
int ForEachFound(const BuiltinCall& call, const Args& args, Use use) {
  const Parsed parsed = Parse(args);
  if (parsed.operands.size() != 1) return Complain(call, "needs a pattern");
  const auto found = call.device.programs().Find(parsed.operands[0]);
  if (!found.ok()) return Complain(call, found.status().message());
  for (const pid_t pid : *found) use(pid);
  return found->empty() ? 1 : 0;
}

}  // namespace

int Kill(const BuiltinCall& call) {
  Args args = call.args;
  const int signal = TakeSignal(args);
  int code = 0;
  for (size_t i = 1; i < args.size(); ++i) {
    int pid = 0;
    if (!absl::SimpleAtoi(args[i], &pid) ||
        !call.device.programs().KillPid(pid, signal)) {
      code = ComplainErrno(call, args[i], ESRCH);
    }
  }
  return code;
}

int PKill(const BuiltinCall& call) {
  Args args = call.args;
  const int signal = TakeSignal(args);
  return ForEachFound(call, args, [&](pid_t pid) {
    call.device.programs().KillPid(pid, signal);
  });
}

int PGrep(const BuiltinCall& call) {
  return ForEachFound(call, call.args,
                      [&](pid_t pid) { call.out(absl::StrCat(pid, "\n")); });
}

}  // namespace frostnas::phone
