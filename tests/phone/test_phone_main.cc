// A test phone to try things on by hand:
//
//   test_phone --port 5601 --root /tmp/phone [--script FAULTS.json]
//   adb connect 127.0.0.1:5601
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "base/file.h"
#include "base/program.h"
#include "base/status_macros.h"
#include "base/stop.h"
#include "tests/phone/condition.h"
#include "tests/phone/phone.h"

ABSL_FLAG(int, port, 0, "loopback port to listen on; 0: any");
ABSL_FLAG(std::string, root, "",
          "folder that is the phone's /; empty: a temporary one");
ABSL_FLAG(std::string, script, "",
          "JSON file with the faults to come (tests/phone/fault.h); empty: "
          "none");

namespace frostnas::phone {
namespace {

constexpr int64_t kMaxScriptBytes = 1 << 20;

absl::Status Serve() {
  FaultPlan plan;
  if (!absl::GetFlag(FLAGS_script).empty()) {
    ASSIGN_OR_RETURN(const std::string text,
                     ReadFile(ResolveUserPath(absl::GetFlag(FLAGS_script)),
                              kMaxScriptBytes));
    ASSIGN_OR_RETURN(plan, ParseFaultScript(text));
  }
  PhoneOptions options;
  options.condition = HostLikeCondition();
  options.port = absl::GetFlag(FLAGS_port);
  if (!absl::GetFlag(FLAGS_root).empty()) {
    options.root =
        std::filesystem::absolute(ResolveUserPath(absl::GetFlag(FLAGS_root)));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<TestPhone> phone,
                   TestPhone::Start(std::move(options)));
  const StopToken stop = StopOnSignals();
  std::cout << "test_phone: listening on " << phone->serial() << std::endl;
  phone->Inject(plan);
  // ThreadSanitizer hands a signal to its handler between waits only.
  while (!stop.WaitFor(absl::Seconds(1))) {
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace frostnas::phone

int main(int argc, char** argv) {
  const frostnas::ProgramInfo info = {
      .name = "test_phone",
      .usage = "A phone for tests on a loopback port, for the adb client.",
      .flag_files = {"tests/phone/"},
      .repeatable = {}};
  frostnas::ParseProgram(argc, argv, info);
  return frostnas::ExitCode(info, frostnas::phone::Serve());
}
