// What every program does alike: flags, --help, errors, exit codes.
#ifndef FROSTNAS_BASE_PROGRAM_H_
#define FROSTNAS_BASE_PROGRAM_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace frostnas {

struct ProgramInfo {
  std::string name;   // "controller"
  std::string usage;  // printed by --help, before the flags
  // --help lists the flags of files whose path contains one of these
  // ("search/main/").
  std::vector<std::string> flag_files;
  // Flags that may be given several times; their values are joined to a comma
  // list, which is what the parser takes.
  std::vector<std::string> repeatable;
};

// Sets each variable that the environment does not have and, when there was
// one, starts the program again in this process: for what libraries read while
// they are loaded. Call first in main. When it cannot, the program runs on
// without.
void EnsureEnvironment(
    char** argv,
    const std::vector<std::pair<std::string, std::string>>& variables);

// What programs that compute give to EnsureEnvironment. Threads of OpenMP that
// wait should spin a short while, then sleep. Sleeping at once makes a training
// step on a quiet machine 1.5 times as long; spinning on, the default,
// makes two busy programs on one machine slow each other down many times over.
const std::vector<std::pair<std::string, std::string>>& ComputeEnvironment();

// Parses Abseil flags: --help prints and ends the program with code 0, an
// unknown flag or a value out of its type with code 1. Returns the other
// arguments. Call once, first.
std::vector<std::string> ParseProgram(int argc, char** argv,
                                      const ProgramInfo& info);

// Prints an error as "NAME: message" and returns the exit code: 0 when OK, 130
// when cancelled, 2 for what the user can mend, 1 otherwise.
int ExitCode(const ProgramInfo& info, const absl::Status& status);

// `arguments` with the values of repeatable flags joined where the first one
// stood. Arguments after "--" stay as they are.
std::vector<std::string> MergeRepeatedFlags(
    const std::vector<std::string>& arguments,
    const std::vector<std::string>& repeatable);

}  // namespace frostnas

#endif  // FROSTNAS_BASE_PROGRAM_H_
