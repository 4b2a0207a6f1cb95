// Small arm64 programs, assembled here so that tests need no cross compiler.
#ifndef FROSTNAS_TESTS_PHONE_ARM64_PROGRAM_H_
#define FROSTNAS_TESTS_PHONE_ARM64_PROGRAM_H_

#include <string>

#include "absl/strings/string_view.h"

namespace frostnas::phone {

// Static ELF files. Prints `text` and exits with `exit_code` < 256.
std::string Arm64Printer(absl::string_view text, int exit_code);
// Prints the first 4096 bytes of the file `path` and exits with 0.
std::string Arm64Reader(absl::string_view path);
// Runs until it is killed.
std::string Arm64Spinner();

}  // namespace frostnas::phone

#endif  // FROSTNAS_TESTS_PHONE_ARM64_PROGRAM_H_
