// What the programs of search/main and their users see alike: flag parsing,
// --help, errors and exit codes.
#ifndef FROSTNAS_SEARCH_MAIN_PROGRAM_H_
#define FROSTNAS_SEARCH_MAIN_PROGRAM_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace frostnas::search {

// Parses flags (unknown ones end the program with code 1, --help prints
// `usage` and every flag of search/main with code 0) and returns the other
// arguments, without the program's name.
std::vector<std::string> ParseProgramFlags(int argc, char** argv,
                                           absl::string_view usage);

// Prints an error as "PROGRAM: message" and returns the exit code: 0 when OK,
// 130 when cancelled, 2 for what the user can mend, 1 otherwise.
int ExitCode(absl::string_view program, const absl::Status& status);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_MAIN_PROGRAM_H_
