// Runs other programs: an argument vector, a deadline, and no shell.
//
//   ASSIGN_OR_RETURN(const SubprocessResult result,
//                    RunSubprocess({"adb", "devices"},
//                                  {.deadline = absl::Seconds(5)}));
//   if (result.exit_code != 0) ...
//
// All functions may be called from any thread.
#ifndef FROSTNAS_BASE_SUBPROCESS_H_
#define FROSTNAS_BASE_SUBPROCESS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/stop.h"

namespace frostnas {

struct SubprocessOptions {
  absl::Duration deadline = absl::InfiniteDuration();
  StopToken stop;
  // "NAME=VALUE", beside and over this process' environment.
  std::vector<std::string> environment;
  // Of standard output and of standard error, each.
  int64_t max_output_bytes = int64_t{16} << 20;
  // Called with each piece of standard output as it comes; pieces end anywhere.
  std::function<void(absl::string_view piece)> on_stdout;
};

struct SubprocessResult {
  int exit_code = -1;  // -1: ended by `signal`
  int signal = 0;
  std::string stdout_text, stderr_text;
};

// Runs argv[0], searched in PATH where it has no slash, with empty standard
// input, until it ends. Programs it leaves behind are not waited for, even
// where they hold its output open (adb's server does).
//
// NOT_FOUND: there is no such program. DEADLINE_EXCEEDED, CANCELLED,
// RESOURCE_EXHAUSTED (it printed more than max_output_bytes): the program and
// its process group were killed. INTERNAL: it could not be started.
absl::StatusOr<SubprocessResult> RunSubprocess(
    const std::vector<std::string>& argv, const SubprocessOptions& options);

// The arguments as a person would type them, for messages.
std::string CommandText(const std::vector<std::string>& argv);

}  // namespace frostnas

#endif  // FROSTNAS_BASE_SUBPROCESS_H_
